/**
 * Numbers, times and words as the reader's language writes them. Pure: everything it needs is passed in.
 */

/** @type {Readonly<Record<string, string>>} */
const LOCALES = { tr: "tr-TR", en: "en-GB" };
const NOTHING = "–";

/** @type {Readonly<Record<string, Readonly<Record<"s" | "min" | "h" | "d" | "ago", string>>>>} */
const AGE_WORDS = {
  tr: { s: "sn", min: "dk", h: "sa", d: "gün", ago: "önce" },
  en: { s: "s", min: "min", h: "h", d: "d", ago: "ago" },
};

/**
 * Hundredths of a percent, rounded half up: exact for counts up to 9 × 10¹¹.
 * @param {number} part
 * @param {number} whole
 */
export function basisPoints(part, whole) {
  return whole > 0 ? Math.round((part * 10_000) / whole) : null;
}

/**
 * Hundredths of a percent of something under way: 10 000 only when it is complete, 0 only before it began.
 * @param {number} part
 * @param {number} whole
 * @param {boolean} [complete]
 */
function progressPoints(part, whole, complete = part === whole) {
  const points = basisPoints(part, whole);
  if (points === null) return null;
  if (!complete && points >= 10_000) return 9_999;
  return part > 0 && points <= 0 ? 1 : points;
}

/**
 * What `make` gives, made when it is first asked for: a formatter of Intl's costs a slow phone as much as a hundred
 * rows.
 * @template T
 * @param {() => T} make
 */
function once(make) {
  /** @type {T | undefined} */
  let made;
  return () => (made ??= make());
}

/**
 * The formats of one language and one time zone.
 * @param {string} language
 * @param {string} timeZone
 */
export function formats(language, timeZone) {
  const locale = LOCALES[language] ?? LOCALES.tr;
  const words = AGE_WORDS[language] ?? AGE_WORDS.tr;
  const whole = once(() => new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }));
  const hundredths = once(() => new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 }));
  const collator = once(() => new Intl.Collator(locale, { sensitivity: "variant" }));
  /** @param {Intl.DateTimeFormatOptions} options */
  const moments = (options) => once(() => new Intl.DateTimeFormat(locale, { timeZone, ...options }));
  const clockFormat = moments({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const minuteFormat = moments({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const dateFormat = moments({ day: "numeric", month: "long", year: "numeric" });

  /** @param {string} text */
  const minus = (text) => text.replace("-", "−");
  /** @param {number} points */
  const percentOf = (points) => {
    const number = hundredths().format(points / 100);
    return language === "en" ? `${number}%` : `%${number}`;
  };
  /** @param {number} seconds */
  const shortAge = (seconds) => {
    const age = Math.max(0, Math.floor(seconds));
    if (age < 60) return `${age} ${words.s}`;
    if (age < 3_600) return `${Math.floor(age / 60)} ${words.min}`;
    const [hours, minutes] = [Math.floor(age / 3_600), Math.floor((age % 3_600) / 60)];
    if (hours >= 48) return `${Math.floor(hours / 24)} ${words.d}`;
    return minutes ? `${hours} ${words.h} ${minutes} ${words.min}` : `${hours} ${words.h}`;
  };

  return {
    language,
    nothing: NOTHING,
    /**
     * A count: 11.360.000.
     * @param {number} number
     */
    count: (number) => (Number.isFinite(number) ? minus(whole().format(number)) : NOTHING),
    /**
     * A share from hundredths of a percent: %51,14.
     * @param {number} points
     */
    percentOf: (points) => (Number.isFinite(points) ? percentOf(points) : NOTHING),
    /**
     * A share from two counts; a dash where there is nothing to divide by.
     * @param {number} part
     * @param {number} total
     */
    percent: (part, total) => {
      const points = basisPoints(part, total);
      return points === null ? NOTHING : percentOf(points);
    },
    /**
     * The share of a work under way: %100,00 only when it is done.
     * @param {number} part
     * @param {number} total
     * @param {boolean} complete
     */
    progress: (part, total, complete) => {
      const points = progressPoints(part, total, complete);
      return points === null ? NOTHING : percentOf(points);
    },
    /**
     * Percentage points: 11,55.
     * @param {number} number
     */
    points: (number) => (Number.isFinite(number) ? minus(hundredths().format(number)) : NOTHING),
    /**
     * Time of day in the election's zone: 00:55:12.
     * @param {string | Date | null | undefined} moment
     */
    clock: (moment) => (moment ? clockFormat().format(new Date(moment)) : NOTHING),
    /**
     * The same to the minute: 19:20.
     * @param {string | Date | null | undefined} moment
     */
    minute: (moment) => (moment ? minuteFormat().format(new Date(moment)) : NOTHING),
    /**
     * A day: 31 Mart 2024.
     * @param {string | Date | null | undefined} moment
     */
    date: (moment) => (moment ? dateFormat().format(new Date(moment)) : NOTHING),
    /** What the zone is called: TSİ in Turkish for Türkiye's own time. */
    zone: () => zoneLabel(locale, language, timeZone),
    /**
     * How long ago: 12 sn önce.
     * @param {number} seconds
     */
    age: (seconds) => (Number.isFinite(seconds) ? `${shortAge(seconds)} ${words.ago}` : NOTHING),
    /**
     * In capitals, i → İ in Turkish.
     * @param {string} text
     */
    upper: (text) => text.toLocaleUpperCase(locale),
    /**
     * Order of names: ç after c, ı before i.
     * @param {string} left
     * @param {string} right
     */
    compare: (left, right) => collator().compare(left, right),
  };
}

/**
 * @param {string} locale
 * @param {string} language
 * @param {string} timeZone
 */
function zoneLabel(locale, language, timeZone) {
  if (language === "tr" && timeZone === "Europe/Istanbul") return "TSİ";
  const parts = new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: "short" }).formatToParts(new Date());
  return parts.find((part) => part.type === "timeZoneName")?.value ?? timeZone;
}
