"""`trenza demo`: a living workspace to explore, in a folder of its own."""

import click

from trenza.cli import options


@click.command()
@options.host
@options.port
@click.option("--data", metavar="DIR", help="Where it is kept. [TRENZA_DATA, else .trenza]")
def demo(host: str | None, port: str | None, data: str | None) -> None:
    """Explore the demo company: loaded on the first start, as it was left on any later one."""
    from trenza.app import create_app
    from trenza.cli.demo_folder import DemoFolder
    from trenza.cli.listening import listen, run_until_told, url_of
    from trenza.cli.logs import set_up_logs
    from trenza.cli.welcome import welcome
    from trenza.settings import load_settings

    settings = load_settings(host=host, port=port, data=data, environment="demo")
    set_up_logs(settings)
    folder = DemoFolder.of(settings)
    with listen(settings.host, settings.port) as listener:
        url = url_of(listener)
        keys = folder.prepare(url)
        app = create_app(folder.settings)
        click.echo(welcome(url, keys))
        run_until_told(app, listener)
