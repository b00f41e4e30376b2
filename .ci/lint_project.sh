#!/usr/bin/env bash
# The files around the code, by the linters of those whose formats they are: workflows, forms, metadata, spelling, addresses.
# Reaches for no network: every schema and rule comes with its package.
set -euo pipefail
cd "$(dirname "$0")/.."

bin=${VENV:-.venv}/bin
status=0
check() { "$@" || { printf 'failed: %s\n' "${*#"$bin/"}" >&2; status=1; }; }
schema() { check "$bin/check-jsonschema" -qq --builtin-schema "vendor.$1" "${@:2}"; }

schema github-workflows .github/workflows/*.yml
schema github-actions .github/actions/*/action.yml
schema dependabot .github/dependabot.yml
schema github-issue-forms .github/ISSUE_TEMPLATE/[!c]*.yml  # not config.yml, which has a form of its own
schema github-issue-config .github/ISSUE_TEMPLATE/config.yml
schema citation-file-format CITATION.cff
# YAML that people write (model-index.yml and the metafiles are made by `make metafiles`), in the project's 120 columns
check "$bin/yamllint" --strict -d "{extends: default, rules: {line-length: {max: 120}, document-start: disable, \
  truthy: {check-keys: false}, comments: {min-spaces-from-content: 1}, comments-indentation: disable}}" \
  .github .pre-commit-config.yaml CITATION.cff
# rights, injections and caches of workflows; its rules for this project are in .github/zizmor.yml
check "$bin/zizmor" --offline --quiet --no-progress --persona=pedantic .github .pre-commit-config.yaml
check "$bin/hadolint" Dockerfile
VALIDATE_PYPROJECT_NO_NETWORK=1 check "$bin/python" -W error::UserWarning -m validate_pyproject pyproject.toml
check "$bin/codespell"
check "$bin/python" .ci/addresses.py --check
exit $status
