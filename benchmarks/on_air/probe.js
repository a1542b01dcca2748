// Collects the milliseconds between animation frames in `gaps`.
window.gaps = [];
let before = 0;
const step = (now) => {
  if (before) window.gaps.push(now - before);
  before = now;
  requestAnimationFrame(step);
};
requestAnimationFrame(step);
