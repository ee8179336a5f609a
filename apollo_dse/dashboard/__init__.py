"""Studies of a store in a browser, as they grow: the report's front end, served read-only.

shelf      the studies of a store, each up to date when it is asked for
view       one study as documents: all of it, one trial, what matters, its outline beside others
tally      how many designs of a study lie in ranges that a reader brushed
access     who may ask: tokens, hosts, and what a page may load
app        the routes (Starlette)
serve      a socket, an address, uvicorn
page/      what the page has beside the modules of `apollo_dse/report/page/`
"""
