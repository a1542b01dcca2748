/**
 * İstanbul as 39 equal tiles, where a resident expects them: the Bosphorus between the shores, the islands south of
 * the Asian side, Silivri and Çatalca in the far west, Şile in the far east. Each as [column, row, short, code].
 * Columns up to WATER_AFTER are Europe; the strait lies between it and the next.
 */

/** @import { Tile } from "./types.d.ts" */

export const WATER_AFTER = 8;

/** @type {Readonly<Record<string, readonly [column: number, row: number, short: string, code: string]>>} */
const ISTANBUL = {
  silivri: [0, 1, "Silivri", "SLV"],
  catalca: [1, 0, "Çatalca", "ÇTL"],
  buyukcekmece: [1, 2, "B.Çekmece", "BÇK"],
  arnavutkoy: [3, 0, "A.Köy", "ARN"],
  esenyurt: [2, 2, "Esenyurt", "ESY"],
  beylikduzu: [2, 3, "B.Düzü", "BDZ"],
  basaksehir: [3, 1, "B.Şehir", "BŞH"],
  kucukcekmece: [3, 2, "K.Çekmece", "KÇK"],
  avcilar: [3, 3, "Avcılar", "AVC"],
  sultangazi: [4, 1, "S.Gazi", "SGZ"],
  bagcilar: [4, 2, "Bağcılar", "BAĞ"],
  bahcelievler: [4, 3, "B.Evler", "BEV"],
  eyupsultan: [5, 0, "Eyüp", "EYP"],
  eyup: [5, 0, "Eyüp", "EYP"], // its name until 2017
  gaziosmanpasa: [5, 1, "GOP", "GOP"],
  esenler: [5, 2, "Esenler", "ESN"],
  gungoren: [5, 3, "Güngören", "GÜN"],
  bakirkoy: [5, 4, "Bakırköy", "BAK"],
  kagithane: [6, 1, "K.Hane", "KAĞ"],
  bayrampasa: [6, 2, "B.Paşa", "BPŞ"],
  zeytinburnu: [6, 3, "Z.Burnu", "ZEY"],
  sisli: [7, 1, "Şişli", "ŞİŞ"],
  beyoglu: [7, 2, "Beyoğlu", "BYĞ"],
  fatih: [7, 3, "Fatih", "FAT"],
  sariyer: [8, 0, "Sarıyer", "SAR"],
  besiktas: [8, 1, "Beşiktaş", "BEŞ"],
  beykoz: [9, 0, "Beykoz", "BKZ"],
  uskudar: [9, 1, "Üsküdar", "ÜSK"],
  kadikoy: [9, 2, "Kadıköy", "KAD"],
  adalar: [9, 4, "Adalar", "ADA"],
  umraniye: [10, 1, "Ümraniye", "ÜMR"],
  atasehir: [10, 2, "Ataşehir", "ATŞ"],
  maltepe: [10, 3, "Maltepe", "MAL"],
  cekmekoy: [11, 1, "Çekmeköy", "ÇEK"],
  sancaktepe: [11, 2, "S.Tepe", "SNC"],
  kartal: [11, 3, "Kartal", "KAR"],
  sile: [12, 0, "Şile", "ŞİL"],
  sultanbeyli: [12, 2, "S.Beyli", "SBY"],
  pendik: [12, 3, "Pendik", "PEN"],
  tuzla: [12, 4, "Tuzla", "TUZ"],
};

/** @type {Readonly<Record<string, typeof ISTANBUL>>} */
const LAYOUTS = { "tr/34": ISTANBUL };

/**
 * The tiles of a unit's children: a Map from unit id to {column, row, short, code}; null where no layout is known or
 * it does not name every child, so that no district is ever missing from a map.
 * @param {string} parentId
 * @param {readonly {id: string}[]} children
 */
export function layoutOf(parentId, children) {
  const layout = LAYOUTS[parentId];
  if (!layout) return null;
  /** @type {Map<string, Tile>} */
  const tiles = new Map();
  for (const { id } of children) {
    const tile = layout[id.slice(parentId.length + 1)];
    if (!tile) return null;
    const [column, row, short, code] = tile;
    tiles.set(id, { column, row, short, code });
  }
  return tiles.size ? tiles : null;
}

/**
 * The tile that an arrow key leads to: the nearest one in that direction, straight ahead before askew.
 * @param {ReadonlyMap<string, Tile>} tiles
 * @param {string} from
 * @param {string} key
 */
export function neighbour(tiles, from, key) {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  const here = tiles.get(from);
  if (!step || !here) return null;
  let best = null;
  let bestCost = Infinity;
  for (const [id, tile] of tiles) {
    const [across, down] = [tile.column - here.column, tile.row - here.row];
    const ahead = across * step[0] + down * step[1];
    const aside = Math.abs(across * step[1]) + Math.abs(down * step[0]);
    const cost = ahead + 2.5 * aside;
    if (ahead > 0 && cost < bestCost) [best, bestCost] = [id, cost];
  }
  return best;
}
