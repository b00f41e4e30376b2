import io

from mmfan.utils.progress import ProgressLine, progress_text


def test_text_before_anything_is_done_promises_nothing():
    assert progress_text("labels", 0, 10, 3.0) == "labels: 0/10"
    assert progress_text("labels", 10, 10, 2.0) == "labels: 10/10, 5.0/s, 0 s left"


def test_a_log_gets_few_lines_and_the_last():
    stream = io.StringIO()
    line = ProgressLine("labels", stream)
    for done in range(1, 1001):
        line(done, 1000)
    written = stream.getvalue().splitlines()
    assert len(written) == 1
    assert written[0].startswith("labels: 1000/1000")


def test_a_terminal_gets_one_line_in_place():
    stream = io.StringIO()
    stream.isatty = lambda: True
    line = ProgressLine("labels", stream)
    line.last -= 1
    line(1, 2)
    line(2, 2)
    assert stream.getvalue().count("\r") == 2
    assert stream.getvalue().endswith("\n")
