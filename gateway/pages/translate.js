/**
 * A page's words in the language that its reader has chosen. Pure.
 */

/** @import { Words } from "./types.d.ts" */

/**
 * From tables by language to a function that gives `t` of one language: `t("votes", { n: "12" })` fills `{n}` in. A
 * language that is not there is Turkish; a key that is not there is a fault of ours and throws.
 * @param {Readonly<Record<string, Readonly<Record<string, string>>>>} tables
 * @returns {(language: string) => Words}
 */
export function translator(tables) {
  return (language) => {
    const table = tables[language] ?? tables.tr;
    return (key, values = {}) => {
      if (!(key in table)) throw new Error(`There is no text ${key}.`);
      return table[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
    };
  };
}
