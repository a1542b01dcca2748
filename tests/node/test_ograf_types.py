"""The OGraf manifests against the types in the EBU's own npm package, which are generated from its JSON schema."""

import json
from pathlib import Path

from gateway.pages import MANIFEST
from sandik.graphics import manifest
from tests.node.node import FOLDER, needs_packages, run_node

TYPES = FOLDER / "node_modules" / "ograf" / "dist" / "main.d.ts"


async def test_every_manifest_is_of_the_ebus_type(tmp_path: Path) -> None:
    needs_packages()
    said = {one.name: manifest(one, gateway="http://gateway:8765", version="1") for one in MANIFEST.overlays}
    lines = [
        f"export const g{number} = {json.dumps(one)} satisfies GraphicsManifest;"
        for number, one in enumerate(said.values())
    ]
    await check(tmp_path, lines)


async def test_the_type_refuses_a_manifest_that_lacks_something(tmp_path: Path) -> None:
    """So that the test above can fail."""
    needs_packages()
    said = manifest(MANIFEST.overlays[0], gateway="http://gateway:8765", version="1")
    del said["supportsRealTime"]
    await check(
        tmp_path, ["// @ts-expect-error", f"export const wrong = {json.dumps(said)} satisfies GraphicsManifest;"]
    )


async def check(folder: Path, lines: list[str]) -> None:
    """Type-check these lines."""
    (folder / "manifests.ts").write_text("\n".join(['import type { GraphicsManifest } from "ograf";', *lines]))
    options = {
        "strict": True,
        "noEmit": True,
        "target": "es2022",
        "module": "esnext",
        "moduleResolution": "bundler",
        "types": [],
        "skipLibCheck": True,
        "paths": {"ograf": [str(TYPES)]},
    }
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["manifests.ts"]}))
    await run_node("node_modules/typescript/bin/tsc", "--project", str(folder / "tsconfig.json"))
