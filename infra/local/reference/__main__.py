"""`python -m infra.local.reference`: write the generated pages."""

from __future__ import annotations

from infra.local.reference.pages import DOCS, pages


def main() -> None:
    """Write every page and name those that have changed."""
    for name, text in pages().items():
        file = DOCS / name
        before = file.read_text("utf-8") if file.is_file() else None
        file.write_text(text, encoding="utf-8", newline="\n")
        print(f"{file.relative_to(DOCS.parent)}: {'as it was' if text == before else 'written'}")


if __name__ == "__main__":
    main()
