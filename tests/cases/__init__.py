"""Golden cases: pods as the API server sends them, and what becomes of them.

A folder holds `pod.json` (the `object` of a CREATE review), `expected.json`, and where the case
needs it `images.json` (image → `{"entrypoint", "cmd"}`, or `{"reason"}` where the registry has no
answer), `world.json` (`images`, `lookups`, `as_volume`: what the administrator decided) and
`about.txt`, one line on what the case is there for.

Write `expected.json` anew, after reading the difference, with

    python -m tests.cases [NAME…]
"""
