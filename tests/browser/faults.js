// What no screenshot may have: text outside the graphics-safe area of EBU R 95, cut off, or over other text.
() => {
  const faults = [];
  const [side, edge] = [innerWidth * 0.05, innerHeight * 0.05];
  const overlay = document.querySelector(".overlay");
  const seen = (node) => {
    const { visibility, display } = getComputedStyle(node);
    return visibility === "visible" && display !== "none";
  };
  const texts = [];
  const walker = document.createTreeWalker(overlay, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.textContent.trim() || !seen(parent) || node.parentElement.closest("[hidden]")) continue;
    const crawling = parent.closest(".crawl");
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      const said = `${parent.className.baseVal ?? parent.className}: ${node.textContent.trim().slice(0, 40)}`;
      if (
        !crawling &&
        (box.left < side || box.right > innerWidth - side || box.top < edge || box.bottom > innerHeight - edge)
      )
        faults.push(`outside the safe area: ${said}`);
      const panel = parent.closest(".panel").getBoundingClientRect();
      if (!crawling && (box.left < panel.left || box.right > panel.right + 1))
        faults.push(`outside its panel: ${said}`);
      const cut = parent.closest(".fit");
      if (cut) {
        const frame = cut.getBoundingClientRect();
        if (box.right > frame.right + 2 || box.left < frame.left - 2 || box.bottom > frame.bottom + 8)
          faults.push(`cut off: ${said}`);
      }
      if (!crawling && !parent.closest("svg, .curtain")) texts.push({ said, box, parent });
    }
  }
  for (const node of overlay.querySelectorAll("*")) {
    if (!node.clientWidth || !seen(node) || node.closest(".crawl, .window, .strap-overlay") || !node.textContent.trim())
      continue;
    if (node.scrollWidth > node.clientWidth + 1) faults.push(`clipped: ${node.className}`);
  }
  texts.forEach((one, index) =>
    texts.slice(index + 1).forEach((other) => {
      const across = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
      const down = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
      const least = Math.min(one.box.height, other.box.height);
      if (across > 2 && down > least * 0.45 && one.parent !== other.parent)
        faults.push(`one on the other: ${one.said} / ${other.said}`);
    }),
  );
  return faults;
};
