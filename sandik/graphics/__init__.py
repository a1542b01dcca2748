"""What graphics tools are handed: OGraf packages, and templates for CasparCG and SPX-GC.

`ograf` and `playout` describe an overlay of `gateway.pages.manifest` for the tools of either kind, and `package` writes
all of them into a folder.
"""
