/**
 * Starts an overlay in a page of the gateway's: `/overlays/NAME?…`. The name is the last part of the address.
 */

import { byId } from "../dom.js";
import { open } from "./open.js";

const { pathname, search, href } = location;

open({ name: pathname.split("/").at(-1) ?? "", search, page: href, root: byId("stage") });
