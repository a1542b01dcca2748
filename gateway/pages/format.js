/**
 * Numbers, times and words as the reader's language writes them. Pure: everything it needs is passed in.
 */

const LOCALES = { tr: "tr-TR", en: "en-GB" };
const NOTHING = "–";

const AGE_WORDS = {
  tr: { s: "sn", min: "dk", h: "sa", d: "gün", ago: (age) => `${age} önce` },
  en: { s: "s", min: "min", h: "h", d: "d", ago: (age) => `${age} ago` },
};

/** Hundredths of a percent, rounded half up: exact for counts up to 9 × 10¹¹. */
export function basisPoints(part, whole) {
  return whole > 0 ? Math.round((part * 10_000) / whole) : null;
}

/**
 * Hundredths of a percent of something under way: 10 000 only when it is complete, 0 only before it began.
 */
export function progressPoints(part, whole, complete = part === whole) {
  const points = basisPoints(part, whole);
  if (points === null) return null;
  if (!complete && points >= 10_000) return 9_999;
  return part > 0 && points <= 0 ? 1 : points;
}

/** The formats of one language and one time zone. */
export function formats(language, timeZone) {
  const locale = LOCALES[language] ?? LOCALES.tr;
  const words = AGE_WORDS[language] ?? AGE_WORDS.tr;
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const hundredths = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const collator = new Intl.Collator(locale, { sensitivity: "variant" });
  const clockFormat = new Intl.DateTimeFormat(locale, {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
  const minuteFormat = new Intl.DateTimeFormat(locale, {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const dateFormat = new Intl.DateTimeFormat(locale, { timeZone, day: "numeric", month: "long", year: "numeric" });

  const minus = (text) => text.replace("-", "−");
  const percentOf = (points) => {
    const number = hundredths.format(points / 100);
    return language === "en" ? `${number}%` : `%${number}`;
  };
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
    /** A count: 11.360.000. */
    count: (number) => (Number.isFinite(number) ? minus(whole.format(number)) : NOTHING),
    /** A share from hundredths of a percent: %51,14. */
    percentOf: (points) => (Number.isFinite(points) ? percentOf(points) : NOTHING),
    /** A share from two counts; a dash where there is nothing to divide by. */
    percent: (part, total) => {
      const points = basisPoints(part, total);
      return points === null ? NOTHING : percentOf(points);
    },
    /** The share of a work under way: %100,00 only when it is done. */
    progress: (part, total, complete) => {
      const points = progressPoints(part, total, complete);
      return points === null ? NOTHING : percentOf(points);
    },
    /** Percentage points: 11,55. */
    points: (number) => (Number.isFinite(number) ? minus(hundredths.format(number)) : NOTHING),
    /** Time of day in the election's zone: 00:55:12. */
    clock: (moment) => (moment ? clockFormat.format(new Date(moment)) : NOTHING),
    /** The same to the minute: 19:20. */
    minute: (moment) => (moment ? minuteFormat.format(new Date(moment)) : NOTHING),
    /** A day: 31 Mart 2024. */
    date: (moment) => (moment ? dateFormat.format(new Date(moment)) : NOTHING),
    /** What the zone is called: TSİ in Turkish for Türkiye's own time. */
    zone: () => zoneLabel(locale, language, timeZone),
    /** How long ago: 12 sn önce. */
    age: (seconds) => (Number.isFinite(seconds) ? words.ago(shortAge(seconds)) : NOTHING),
    /** In capitals, i → İ in Turkish. */
    upper: (text) => text.toLocaleUpperCase(locale),
    /** Order of names: ç after c, ı before i. */
    compare: (left, right) => collator.compare(left, right),
  };
}

function zoneLabel(locale, language, timeZone) {
  if (language === "tr" && timeZone === "Europe/Istanbul") return "TSİ";
  const parts = new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: "short" }).formatToParts(new Date());
  return parts.find((part) => part.type === "timeZoneName")?.value ?? timeZone;
}
