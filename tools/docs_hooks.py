"""MkDocs hooks: pages outside docs/, notebooks, and a check that no external asset is loaded.

README.md is the home page.  It and the other files are also read on GitHub, so their links are
paths in the project, which become paths on the site here.  A link to a file that is not on the
site stays as it is and fails the strict build.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from nbconvert import MarkdownExporter

_PUBLISHED = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "CITATION.cff": "CITATION.cff",
    "LICENSE": "LICENSE.txt",
    "src/epicat/aws/policies/deploy.json": "reference/deploy.json",
    "src/epicat/aws/policies/submit.json": "reference/submit.json",
}
_HOMES = {published: path for path, published in _PUBLISHED.items()}
_STYLE = re.compile(r"<style scoped>.*?</style>\s*", re.S)
"""How pandas styles its tables in a notebook; the site has a style of its own."""
_LINK = re.compile(r"(\]\()(?![a-z]+:|#|/)([^)#\s]+)")
_ASSET = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?(?:https?:)?//"
    r"|<link\b(?=[^>]*\brel=[\"']?(?:stylesheet|preconnect|icon))[^>]*\bhref=[\"']?(?:https?:)?//"
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the project's own files, its examples, and a page for each notebook, to the pages."""
    for notebook in [file for file in files if file.src_uri.endswith(".ipynb")]:
        _add_notebook(files, notebook, config)
    root = Path(config.config_file_path).parent
    examples = {path.relative_to(root).as_posix() for path in root.glob("examples/*.toml")}
    for path, uri in {**_PUBLISHED, **dict.fromkeys(examples)}.items():
        content = (root / path).read_text(encoding="utf-8")
        files.append(File.generated(config, uri or path, content=content))
    return files


def _add_notebook(files: Files, notebook: File, config: MkDocsConfig) -> None:
    """Add a notebook, with the outputs that it holds, as a page and its pictures."""
    text, resources = MarkdownExporter().from_filename(notebook.abs_src_path)
    name = posixpath.splitext(notebook.src_uri)[0]
    for picture, content in resources["outputs"].items():
        files.append(File.generated(config, f"{name}-{picture}", content=content))
        text = text.replace(f"]({picture})", f"]({posixpath.basename(name)}-{picture})")
    files.append(File.generated(config, f"{name}.md", content=_plain(text)))


def _plain(text: str) -> str:
    """Let the site style the tables of pandas."""
    return _STYLE.sub("", text).replace('<table border="1" class="dataframe">', "<table>")


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Convert paths in the project to paths on the site."""
    del config
    here = page.file.src_uri
    folder = posixpath.dirname(_HOMES.get(here, f"docs/{here}"))

    def moved(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, link[2]))
        uri = _PUBLISHED.get(path, path.removeprefix("docs/"))
        if files.get_file_from_path(uri) is None:
            return link[0]
        return link[1] + posixpath.relpath(uri, posixpath.dirname(here) or ".")

    return _LINK.sub(moved, markdown)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Fail if a page loads an asset from another server."""
    del config
    if found := _ASSET.search(output):
        raise PluginError(f"{page.file.src_uri}: an asset from elsewhere: {found[0]}...")
    return output
