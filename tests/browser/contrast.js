// The contrast of everything on an overlay, from computed colours: each text with what is painted under it, each bar
// with its track. Glass lets something through, so it is taken over white and over black, and the worse counts.
async () => {
  const { contrast } = await import("/static/hue.js");
  const BEHIND = [
    [0, 0, 0],
    [255, 255, 255],
  ];
  const COLOR = /(?:rgba?|color)\([^()]*\)/g;
  const read = (text) => {
    const [red, green, blue, alpha = 1] = text.match(/[\d.]+/g).map(Number);
    return text.startsWith("color") ? [red * 255, green * 255, blue * 255, alpha] : [red, green, blue, alpha];
  };
  const over = ([red, green, blue, alpha], under) =>
    [red, green, blue].map((one, index) => one * alpha + under[index] * (1 - alpha));
  const hex = (color) => `#${color.map((one) => Math.round(one).toString(16).padStart(2, "0")).join("")}`;
  // What an element paints: the colours of its ground, several where it is hatched.
  const paints = (node) => {
    const style = getComputedStyle(node);
    if (node instanceof SVGElement) {
      if (
        style.fill === "none" ||
        node instanceof SVGSVGElement ||
        node instanceof SVGTextElement ||
        node instanceof SVGGElement
      )
        return [];
      const pattern = style.fill.match(/url\("?(#[^")]+)"?\)/);
      const parts = pattern ? [...document.querySelector(pattern[1]).children] : [node];
      return parts
        .flatMap((part) => [getComputedStyle(part).fill, pattern ? getComputedStyle(part).stroke : "none"])
        .filter((one) => one.startsWith("rgb") || one.startsWith("color"))
        .map(read);
    }
    const hatch = style.backgroundImage.match(COLOR) ?? [];
    return (hatch.length ? hatch : [style.backgroundColor]).map(read).filter(([, , , alpha]) => alpha > 0);
  };
  // Every ground that may be under a stack of elements, the topmost first.
  const grounds = ([top, ...rest]) => {
    if (!top) return BEHIND;
    const painted = paints(top);
    if (!painted.length) return grounds(rest);
    if (painted.every(([, , , alpha]) => alpha === 1)) return painted.map((color) => color.slice(0, 3));
    const under = grounds(rest);
    return painted.flatMap((color) => under.map((one) => over(color, one)));
  };
  const worst = (color, under) => Math.min(...under.map((one) => contrast(hex(over(color, one)), hex(one))));
  const overlay = document.querySelector(".overlay");
  const visible = (node) => {
    const { visibility, display } = getComputedStyle(node);
    return visibility === "visible" && display !== "none" && !node.closest("[hidden]");
  };
  const faults = [];
  let texts = 0;
  let bars = 0;
  const note = (kind, node, said, ratio, least) => {
    const { className } = node.closest("[class]");
    if (ratio < least) faults.push(`${kind} ${className.baseVal ?? className} ${said}: ${ratio.toFixed(2)}`);
  };
  const walker = document.createTreeWalker(overlay, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.textContent.trim() || !visible(parent)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const { left, top, width, height } = range.getBoundingClientRect();
    const stack = document.elementsFromPoint(left + width / 2, top + height / 2);
    const index = stack.indexOf(parent);
    if (index < 0) continue; // it crawls past outside the strip, or has no size
    const style = getComputedStyle(parent);
    const ink = read(parent instanceof SVGElement ? style.fill : style.color);
    texts += 1;
    note("text", parent, node.textContent.trim().slice(0, 30), worst(ink, grounds(stack.slice(index))), 4.5);
  }
  const barred = ".track > .fill, .bars > .fill, .lane > .piece, .mark:not([data-mark=empty]), circle";
  for (const bar of overlay.querySelectorAll(barred)) {
    const { width, height, left, top } = bar.getBoundingClientRect();
    if (!visible(bar) || width < 1 || height < 1 || left < 0 || left > innerWidth || top < 0) continue;
    const parents = [];
    for (let one = bar.parentElement; one; one = one.parentElement) parents.push(one);
    const colors = paints(bar);
    if (!colors.length) colors.push(read(getComputedStyle(bar).borderTopColor));
    bars += 1;
    // of a hatch the stronger stroke is the bar
    note(
      "bar",
      bar,
      bar.getAttribute("data-mark") ?? "",
      Math.max(...colors.map((color) => worst(color, grounds(parents)))),
      3,
    );
  }
  return { faults: [...new Set(faults)], texts, bars };
};
