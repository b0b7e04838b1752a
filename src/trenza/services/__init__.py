"""One async function per verb: decide by the domain, append by storage, one transaction."""
