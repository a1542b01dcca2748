"""Brands: how a channel's pictures look, without a fork: a folder with a `brand.toml`, fonts, photos and logos.

- `brand`: what a brand.toml says, checked (every colour is there, and can be read where it stands), and as the pages
  take it: custom properties of CSS, and a list of its files.
- `folder`: the files of a brand, checked and held in memory; the brands that are shipped are folders here.
"""
