/**
 * The seats of a municipal council by Law 2972, for an address that says its members. Pure: votes in, seats out. It is
 * what the gateway's `tabulation/seats/` comes to, and tested against that; a contest whose definition declares its
 * seats is divided by the gateway alone (house.js).
 */

/** @typedef {readonly [id: string, votes: number]} Count */

/** Members by population (article 5 d): up to so many people, so many members; above the last, 55. */
const MEMBERS = [
  [10_000, 9],
  [20_000, 11],
  [50_000, 15],
  [100_000, 25],
  [250_000, 31],
  [500_000, 37],
  [1_000_000, 45],
];
const MOST_MEMBERS = 55;

/**
 * How many members a municipality of this population has.
 * @param {number} population
 */
export function membersFor(population) {
  return (MEMBERS.find(([most]) => population <= most) ?? [0, MOST_MEMBERS])[1];
}

/**
 * Article 23: a tenth of the constituency's valid votes is taken off everybody's; who has nothing left gets no seat;
 * the rest is divided by 1, 2, 3, … and the greatest quotients take the seats. Quota seats (article 10) are not
 * divided: they are the first party's, and no independent's. A tie for the last seat is drawn by lot, which nobody can
 * compute: it is left open.
 *
 * Returns {seats: Map from id to seats, open: seats that a lot decides, quotaTo: id or null, barred: ids without a seat
 * because a tenth was not passed}. Integers throughout: votes are compared as ten times themselves.
 * @param {Readonly<Record<string, number>>} votes
 * @param {{members: number, quota?: number, valid: number, alone?: Iterable<string>}} options
 */
export function allocate(votes, { members, quota: wanted = 0, valid, alone: independents = [] }) {
  const alone = new Set(independents);
  const quota = Math.min(wanted, members);
  const rows = Object.entries(votes).filter(([, count]) => count > 0);
  const left = rows
    .map(([id, count]) => /** @type {Count} */ ([id, count * 10 - valid]))
    .filter(([, rest]) => rest > 0);
  const seats = new Map(left.map(([id]) => [id, 0]));
  const barred = rows.filter(([id]) => !seats.has(id)).map(([id]) => id);
  const divided = members - quota;
  let open = left.length ? 0 : divided;
  for (let given = 0; left.length && given < divided; ) {
    const winners = greatest(
      left.filter(([id]) => !alone.has(id) || seats.get(id) === 0),
      seats,
    );
    if (!winners.length) {
      open = divided - given;
      break;
    }
    if (given + winners.length > divided) {
      open = divided - given;
      break;
    }
    for (const id of winners) seats.set(id, (seats.get(id) ?? 0) + 1);
    given += winners.length;
  }
  const first = firstOf(rows.filter(([id]) => !alone.has(id)));
  if (first && quota) seats.set(first, (seats.get(first) ?? 0) + quota);
  return { seats, open: open + (first ? 0 : quota), quotaTo: quota ? first : null, barred };
}

/**
 * Everybody whose next quotient is the greatest; a/b and c/d are compared as a·d and c·b, exactly.
 * @param {readonly Count[]} left
 * @param {ReadonlyMap<string, number>} seats
 */
function greatest(left, seats) {
  /** @type {string[]} */
  let winners = [];
  let [bestRest, bestDivisor] = [0n, 1n];
  for (const [id, rest] of left) {
    const [here, divisor] = [BigInt(rest), BigInt((seats.get(id) ?? 0) + 1)];
    const order = here * bestDivisor - bestRest * divisor;
    if (order > 0n) [winners, bestRest, bestDivisor] = [[id], here, divisor];
    else if (order === 0n) winners.push(id);
  }
  return winners;
}

/**
 * Who has most votes; null in a tie.
 * @param {readonly Count[]} rows
 */
function firstOf(rows) {
  const most = Math.max(0, ...rows.map(([, count]) => count));
  const first = rows.filter(([, count]) => count === most && most > 0);
  return first.length === 1 ? first[0][0] : null;
}

/** The innermost arc of a hemicycle; the outermost is 1. */
const INNER = 0.42;
const MOST_ARCS = 9;

/**
 * The arcs on which seats are as far from their neighbours as one arc is from the next, nearly.
 * @param {number} count
 */
function arcsFor(count) {
  const tries = Array.from({ length: MOST_ARCS - 1 }, (_, index) => {
    const rows = index + 2;
    const gap = (1 - INNER) / (rows - 1);
    const radii = Array.from({ length: rows }, (__, row) => INNER + gap * row);
    const along = (Math.PI * radii.reduce((sum, radius) => sum + radius, 0)) / Math.max(1, count - rows);
    return { radii, odds: Math.abs(Math.log(along / gap)) };
  });
  return count < 8 ? [0.8] : tries.reduce((best, one) => (one.odds < best.odds ? one : best)).radii;
}

/**
 * Where the seats of a hemicycle are: {x, y} from -1 to 1 and 0 to 1, left to right, the radius of one, and the radii
 * of the arcs. All arcs begin and end on one line.
 * @param {number} count
 */
export function hemicycle(count) {
  const radii = arcsFor(count);
  const rows = radii.length;
  const whole = radii.reduce((sum, radius) => sum + radius, 0);
  const shares = radii.map((radius) => Math.floor((count * radius) / whole));
  for (
    let row = rows - 1, missing = count - shares.reduce((sum, one) => sum + one, 0);
    missing > 0;
    missing -= 1, row = (row - 1 + rows) % rows
  )
    shares[row] += 1;
  const places = shares.flatMap((many, row) =>
    Array.from({ length: many }, (_, seat) => {
      const angle = many === 1 ? Math.PI / 2 : Math.PI - (Math.PI * seat) / (many - 1);
      return { x: radii[row] * Math.cos(angle), y: radii[row] * Math.sin(angle), angle, row };
    }),
  );
  places.sort((left, right) => right.angle - left.angle || left.row - right.row);
  const gaps = [
    rows > 1 ? radii[1] - radii[0] : 1,
    ...shares.map((many, row) => (many > 1 ? (Math.PI * radii[row]) / (many - 1) : 1)),
  ];
  return { places, radii, radius: Math.min(0.12, 0.46 * Math.min(...gaps)) };
}
