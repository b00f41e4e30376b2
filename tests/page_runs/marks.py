"""Marks of fenced blocks: what is done with each."""

from helpers.pages import Block, blocks, text_of

REASONS = (
    "needs-data",
    "needs-docker",
    "needs-weights",
    "needs-gpu",
    "needs-cluster",
    "needs-release",
    "needs-openvino",
    "long",
)
SHELLS = ("bash", "sh", "console")
# their examples are run chapter by chapter (tests/docs/test_api_examples.py)
RUN_ELSEWHERE = ("docs/api.md",)


def reason_of(block: Block) -> str:
    """Why a block is not run here; "" if it is."""
    return next((word for word in block.words if word in REASONS or word.startswith("tested-by=")), "")


def mark(block: Block, name: str) -> str:
    """The value of a mark such as ``exit=1``; "" if the block has none."""
    return next((word.partition("=")[2] for word in block.words if word.startswith(f"{name}=")), "")


def is_run(page: str, block: Block) -> bool:
    """Whether a block of a page is run: commands of every page, Python and files of the tutorials."""
    if reason_of(block) or "fragment" in block.words:
        return False
    return block.language in SHELLS or bool(mark(block, "file")) or (block.language == "python" and is_tutorial(page))


def is_tutorial(page: str) -> bool:
    """Whether a page starts from nothing and is run as a whole."""
    return page.startswith("docs/tutorials/")


def run_blocks(page: str) -> list[Block]:
    """The blocks of a page that are run, and those that show what they print, in order."""
    if page in RUN_ELSEWHERE:
        return []
    found = list(blocks(text_of(page)))
    if not any(is_run(page, block) for block in found):
        return []
    return [block for block in found if block.language == "output" or is_run(page, block)]
