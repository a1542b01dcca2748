/**
 * Building and changing elements without touching what stays the same: a selection survives, nothing flickers.
 */

/** An element with attributes (`class`, `href`, … or a `text`) and children. */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = value;
    else if (value !== null && value !== undefined && value !== false)
      node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

/** Set a node's text where it differs. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Set an attribute where it differs; null removes it. */
export function put(node, name, value) {
  if (value === null || value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/** Set a CSS property (such as `--hue`) where it differs. */
export function paint(node, property, value) {
  if (node.style.getPropertyValue(property) !== value) node.style.setProperty(property, value);
}

/** Put children in this order, moving only what is out of place. */
export function order(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  children.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
}

/** A party's mark: its hue and its shape. */
export function partyMark() {
  return make("span", { class: "mark", "aria-hidden": "true" });
}

/** Give a mark its party. */
export function dressMark(node, candidate, hue) {
  put(node, "data-mark", candidate ? candidate.mark : "empty");
  paint(node, "--hue", hue);
}
