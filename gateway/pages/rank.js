/**
 * What is derived from counts: ranking, margin, shares. Integers in; nothing is stored.
 */

import { basisPoints } from "./format.js";

/**
 * Candidates by votes, most first; equal votes share a rank (1, 1, 3) and stand in ballot order.
 * An id in `votes` that no ballot names is listed last rather than lost, as `stranger` makes one of it.
 * @template {{ id: string }} C
 * @param {readonly C[]} ballot
 * @param {Readonly<Record<string, number>> | undefined} votes
 * @param {(id: string) => C} stranger
 */
export function ranking(ballot, votes = {}, stranger) {
  const listed = new Set(ballot.map((candidate) => candidate.id));
  const strangers = Object.keys(votes)
    .filter((id) => !listed.has(id))
    .sort();
  const rows = [...ballot, ...strangers.map((id) => stranger(id))]
    .map((candidate, order) => ({ candidate, order, votes: votes[candidate.id] ?? 0 }))
    .sort((left, right) => right.votes - left.votes || left.order - right.order);
  const counts = new Map();
  for (const row of rows) counts.set(row.votes, (counts.get(row.votes) ?? 0) + 1);
  let rank = 0;
  return rows.map((row, index) => {
    if (index === 0 || row.votes !== rows[index - 1].votes) rank = index + 1;
    return { candidate: row.candidate, votes: row.votes, rank, tied: (counts.get(row.votes) ?? 0) > 1 };
  });
}

/** All of something, in hundredths of a per cent. */
const WHOLE = 10_000;

/**
 * The parts' shares of their sum in hundredths of a per cent, so that they add up to exactly 100 % (largest
 * remainders); null where there is nothing to divide by. The gateway's rule for rows and facts: `shares_bp` in
 * `tabulation/derived/facts.py`.
 * @param {readonly number[]} parts
 * @returns {(number | null)[]}
 */
export function sharesOf(parts) {
  const whole = parts.reduce((sum, part) => sum + part, 0);
  if (whole === 0) return parts.map(() => null);
  const shares = parts.map((part) => Math.floor((part * WHOLE) / whole));
  const remainders = parts.map((part) => (part * WHOLE) % whole);
  const left = WHOLE - shares.reduce((sum, share) => sum + share, 0);
  const largest = parts.map((_, index) => index).sort((a, b) => remainders[b] - remainders[a] || a - b);
  for (const index of largest.slice(0, left)) shares[index] += 1;
  return shares;
}

/**
 * A ranking with each row's share of what shares are of (`wholeOf`), and that of the votes not attributed yet.
 * @template {{ votes: number }} R
 * @param {readonly R[]} ranked
 * @param {number} whole
 * @param {number} [unattributed]
 * @returns {{ ranked: (R & { share: number | null })[], unattributedShare: number | null }}
 */
export function withShares(ranked, whole, unattributed = 0) {
  const rest = whole - ranked.reduce((sum, { votes }) => sum + votes, 0);
  const shares = sharesOf([...ranked.map(({ votes }) => votes), rest]);
  return {
    ranked: ranked.map((row, index) => ({ ...row, share: shares[index] })),
    unattributedShare: rest === unattributed ? shares[ranked.length] : basisPoints(unattributed, whole),
  };
}

/**
 * The share of everyone whose id is not in `shown`: what their rows add up to.
 * @param {readonly {candidate: {id: string}, share: number | null}[]} ranked
 * @param {ReadonlySet<string>} shown
 */
export function shareOfOthers(ranked, shown) {
  if (ranked.some(({ share }) => share === null)) return null;
  return ranked.reduce((sum, row) => (shown.has(row.candidate.id) ? sum : sum + (row.share ?? 0)), 0);
}

/**
 * Who leads, and by how much: null before the first vote. `leaders` has two or more names in a tie.
 * @template {{ votes: number, rank: number }} R
 * @param {readonly R[]} ranked
 * @param {number} whole
 */
export function lead(ranked, whole) {
  const first = ranked[0];
  if (!first || first.votes === 0) return null;
  const leaders = ranked.filter((row) => row.rank === 1);
  const second = leaders.length > 1 ? leaders[1] : (ranked[1] ?? null);
  const gap = second ? first.votes - second.votes : first.votes;
  return { leaders, second, votes: gap, points: points(gap, whole) };
}

/**
 * A difference in votes as percentage points of what shares are of (`wholeOf`); null where there are no votes.
 * @param {number} votes
 * @param {number} whole
 */
export function points(votes, whole) {
  return whole > 0 ? (votes * 100) / whole : null;
}

/**
 * Whether less than a tenth of the boxes is opened: too little to read a result from.
 * @param {number} opened
 * @param {number} total
 */
export function isThin(opened, total) {
  return opened * 10 < total;
}

/**
 * Votes of everyone whose id is not in `shown`.
 * @param {readonly {candidate: {id: string}, votes: number}[]} ranked
 * @param {ReadonlySet<string>} shown
 */
export function sumOfOthers(ranked, shown) {
  return ranked.reduce((sum, row) => (shown.has(row.candidate.id) ? sum : sum + row.votes), 0);
}

/**
 * How far apart sources are on one figure: the highest, the lowest, and the distance; null with fewer than two.
 * @template S
 * @param {readonly { source: S, value: number | undefined }[]} values
 */
export function spread(values) {
  const known = values.flatMap(({ source, value }) =>
    value !== undefined && Number.isFinite(value) ? [{ source, value }] : [],
  );
  if (known.length < 2) return null;
  const highest = known.reduce((best, one) => (one.value > best.value ? one : best));
  const lowest = known.reduce((best, one) => (one.value < best.value ? one : best));
  return { highest: highest.source, lowest: lowest.source, gap: highest.value - lowest.value };
}
