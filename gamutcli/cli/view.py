"""gamut view: reduced pictures on one page, plain and restored."""

from __future__ import annotations

from pathlib import Path

import click

from gamutcli.cli import options
from gamutcli.cli.piping import brought, placed
from gamutcli.errors import UsageError
from gamutcli.storage.remote import name_of


@click.command()
@click.argument("files", nargs=-1, required=True, type=options.REMOTE_PICTURE, metavar="FILE...")
@options.option("-o", "--output", "page", type=options.REMOTE_PAGE, metavar="PAGE.html", help="Write the page there.")
@options.option("--no-open", is_flag=True, help="Do not open the page in the browser; say where it is.")
@options.allow_large
@options.overwrite
@options.quiet
def view(
    files: tuple[Path, ...], page: Path | None, no_open: bool, allow_large: bool, overwrite: bool, quiet: bool
) -> int:
    """Show pictures in the browser, plain and restored.

    One page holds the pictures and all that restores them: it asks no network for anything, and can be sent to others.
    A border between plain and restored moves with pointer, finger and arrow keys; marks show what an sRGB screen
    cannot. The page opens in the default browser, unless -o names a place for it.

    \b
    Examples:
      gamut view photo.jpg
      gamut view *.jpg -o page.html
      gamut view photo.jpg --no-open
    """
    import tempfile
    import webbrowser

    from gamutcli.viewer.page import write_page

    if page is not None and page.resolve() in {file.resolve() for file in files}:
        raise UsageError(f"{page}: is an input too; name another output.")
    # A browser reads the page after this command has ended: it is left to the system's cleaning.
    target = page or Path(tempfile.mkdtemp(prefix="gamut-view-")) / "view.html"
    with placed(target, overwrite=overwrite) as out, brought(files) as pictures:
        assert out is not None
        write_page(pictures, out, allow_large=allow_large, overwrite=overwrite)
    opened = page is None and not no_open and webbrowser.open(target.as_uri())
    if not opened and not quiet:
        click.echo(name_of(target))
    return 0
