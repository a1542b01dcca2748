// Notes when a number changes on screen: `changed(selector)` keeps [what it says, when the frame with it was done].
// The time is that of the frame after the one that the change is in: by then its pixels have been handed over.
window.changes = [];
window.watch = (selector) => {
  const node = document.querySelector(selector);
  new MutationObserver(() => {
    const said = node.textContent;
    requestAnimationFrame(() => window.changes.push([said, performance.now()]));
  }).observe(node, { characterData: true, childList: true, subtree: true });
};
