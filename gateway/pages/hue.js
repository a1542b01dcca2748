/**
 * Party colours made legible: a hue stays what the definition says, only as light or dark as its ground demands.
 */

/** @typedef {readonly number[]} Channels red, green and blue, 0 to 255 */

const WHITE = [255, 255, 255];
const BLACK = [0, 0, 0];
/** Margin, in points, from which a tile has its leader's full hue. */
const FULL_MARGIN_POINTS = 30;

/** Of a hue in the closest race: with less two hues are one brown. */
const LEAST_STRENGTH = 0.5;

const HATCH_STRENGTH = 0.38;

export const INDEPENDENT = "#8793a3";

/** @param {string} color */
function parse(color) {
  return [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
}

/** @param {Channels} channels */
function css(channels) {
  return `#${channels.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`;
}

/**
 * @param {Channels} from
 * @param {Channels} to
 * @param {number} share
 */
function mixed(from, to, share) {
  return from.map((value, index) => value + (to[index] - value) * share);
}

/** @param {Channels} channels */
function luminance(channels) {
  const [red, green, blue] = channels.map((value) => {
    const part = value / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/**
 * @param {Channels} one
 * @param {Channels} other
 */
function ratio(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((left, right) => left - right);
  return (high + 0.05) / (low + 0.05);
}

/**
 * Contrast of two colours, 1 to 21 (WCAG 2.2, 1.4.3).
 * @param {string} one
 * @param {string} other
 */
export function contrast(one, other) {
  return ratio(parse(one), parse(other));
}

/**
 * The hue, lightened or darkened just enough to stand out from its ground.
 * @param {string} color
 * @param {string} ground
 * @param {number} [least]
 */
export function legible(color, ground, least = 3) {
  const back = parse(ground);
  const away = luminance(back) < 0.2 ? WHITE : BLACK;
  for (let share = 0; share < 1; share += 0.05) {
    const shade = css(mixed(parse(color), away, share));
    if (ratio(parse(shade), back) >= least) return shade;
  }
  return css(away);
}

/**
 * A tile's fill by margin, and the ink that is readable on it (at least 4.5 whatever the hue).
 * @param {string} color
 * @param {number} marginPoints
 * @param {string} ground
 */
export function tileColors(color, marginPoints, ground) {
  const strength = LEAST_STRENGTH + (1 - LEAST_STRENGTH) * Math.min(1, Math.max(0, marginPoints) / FULL_MARGIN_POINTS);
  const full = legible(color, ground, 3);
  const fill = css(mixed(parse(ground), parse(full), strength));
  return { fill, full, ink: inkOn(parse(fill)) };
}

/**
 * The stripes of a hatch on this ground: pale, so that what is not known much of does not shout.
 * @param {string} color
 * @param {string} ground
 */
export function paleOn(color, ground) {
  return css(mixed(parse(ground), parse(color), HATCH_STRENGTH));
}

/**
 * Black or white, whichever reads better; one of them always reaches 4.5.
 * @param {Channels} fill
 */
function inkOn(fill) {
  return css(ratio(WHITE, fill) >= ratio(BLACK, fill) ? WHITE : BLACK);
}
