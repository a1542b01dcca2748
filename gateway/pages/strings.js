/**
 * Every word of the page, Turkish first. A key means the same in both languages; `{name}` is filled in.
 */

const TR = {
  contests: "Seçim türü", sources: "Kaynak", units: "Birim", allDistricts: "Bütün ilçeler", allProvinces: "Bütün iller",
  source: "Kaynak: {source}",
  leads: "önde", won: "önde", tie: "berabere", nobody: "Henüz oy yok", noBoxes: "Henüz sandık açılmadı",
  share: "oy oranı", votes: "{n} oy", votesWord: "oy", marginWith: "{name} ile fark", margin: "Fark",
  points: "{n} puan", pointsWord: "puan", alone: "karşısında aday yok",
  opened: "Açılan sandık", remaining: "kalan sandıklarda {n} seçmen",
  allOpened: "Bütün sandıklar açıldı", thin: "Sandıkların onda birinden azı açıldı",
  lastBox: "Son sandık", feedAge: "son veri {age}", turnout: "Katılım", turnoutOf: "{cast} / açılan sandıklardaki {registered} seçmen",
  flagged: "İşaretli sandık", flaggedWhy: "sayıları alışılmadık ama olabilir", annulled: "{n} iptal",
  valid: "Geçerli oy", invalid: "Geçersiz oy",
  ranking: "Adaylar", rank: "Sıra", candidate: "Aday", shareHead: "Oran", votesHead: "Oy",
  others: "diğer {n} aday", hideOthers: "diğer {n} adayı gizle", othersMany: "Diğer adaylar",
  unattributed: "Adaya dağıtılmamış", independent: "Bağımsız", ofValid: "oranlar geçerli oylara göredir",
  map: "Harita", mapBy: "renk: önde olan · koyuluk: fark · tarama: sandıkların onda birinden azı açık",
  strait: "Boğaz", south: "Marmara", north: "Karadeniz", leadsIn: "{n}",
  districts: "İlçeler", provinces: "İller", district: "İlçe", province: "İl", leader: "Önde",
  marginVotes: "Fark (oy)", marginPoints: "Fark (puan)", boxes: "Açılan / toplam sandık", boxShare: "Açılan",
  flaggedShort: "İşaretli",
  chooseDistrict: "Bir ilçenin üzerine gelin; seçmek için tıklayın.",
  sideBySide: "Kaynaklar yan yana", gap: "Ara", noData: "sandık yok", ahead: "{source} {n} sandık önde",
  same: "aynı", closest: "En yakın yarış: {place}", lastAt: "Son sandık",
  whyTitle: "Ara neden var?", pointsHead: "Puan", whyGap: "Ara: {a} − {b}", whyMargin: "{first} – {second} farkında",
  coverage: "Kapsam", whyCoverage: "yalnız {a}: {n} sandık · yalnız {b}: {m} sandık",
  disagreement: "Uyuşmazlık", whyDisagreement: "ikisinde de olan {n} sandığın {m} tanesi farklı",
  whyLike: "İkisinde de olan {n} sandıkta {name}: {a} {x} · {b} {y}", whyNothingShared: "İkisinde de olan sandık yok.",
  whyBoxesTitle: "Aranın en büyük olduğu sandıklar ({n}) ve farktaki payları", notOpened: "açmadı",
  whyDistricts: "{source} sandık değil, ilçe toplamı bildiriyor: ara ayrıştırılamaz.", whySoon: "Karşılaştırma bekleniyor.",
  whyHeld: "Bekletilen sonuçlar karşılaştırılmaz.",
  live: "canlı", quiet: "sakin", stale: "gecikti", down: "kesildi", waiting: "bekleniyor", unknown: "bilinmiyor", unknownText: "{source} ne durumda, bilinmiyor.",
  liveText: "{source} veri gönderiyor.", quietText: "{source} bir süredir yeni sandık göndermedi.",
  staleText: "{source} gecikti: sayılar güncel olmayabilir.",
  downText: "{source} kesildi: görünenler son alınan sayılardır.", waitingText: "{source} bekleniyor.",
  connecting: "Bağlanıyor…", lost: "Bağlantı koptu. Görünenler {time} itibarıyla son sayılardır; yeniden bağlanılıyor.",
  lostEmpty: "Sunucuya ulaşılamıyor; yeniden deneniyor.",
  refused: "Sunucu bu sayfayı geri çevirdi ({code}). Sayfayı yenileyin.", awaitRun:
    "Seçim gecesi henüz başlamadı. Başlayınca bu sayfa kendiliğinden dolar.",
  embargo: "Yayın yasağı: sonuçlar {time} {zone} itibarıyla yayımlanacak.", hold: "Bekletiliyor: {what}", fault: "Sunucu isteği anlamadı: {message}",
  test: "TEST", testText: "TEST – GERÇEK SONUÇ DEĞİL", replay: "TEKRAR", replayText: "TEKRAR – CANLI DEĞİL",
  title: "{leader} {share} · {opened} açıldı · {place} · {source}", titleEmpty: "{place} · {source}",
  back: "{place} geneli", clock: "Saat",
};

const EN = {
  contests: "Contest", sources: "Source", units: "Unit", allDistricts: "All districts", allProvinces: "All provinces",
  source: "Source: {source}",
  leads: "leads", won: "leads", tie: "tied", nobody: "No votes yet", noBoxes: "No box opened yet",
  share: "share", votes: "{n} votes", votesWord: "votes", marginWith: "margin over {name}", margin: "Margin",
  points: "{n} points", pointsWord: "points", alone: "nobody else stands",
  opened: "Boxes opened", remaining: "{n} voters at the boxes left",
  allOpened: "All boxes opened", thin: "Less than a tenth of the boxes opened",
  lastBox: "Last box", feedAge: "last data {age}", turnout: "Turnout", turnoutOf: "{cast} / {registered} voters of the opened boxes",
  flagged: "Flagged boxes", flaggedWhy: "odd but possible counts", annulled: "{n} annulled",
  valid: "Valid votes", invalid: "Invalid votes",
  ranking: "Candidates", rank: "Rank", candidate: "Candidate", shareHead: "Share", votesHead: "Votes",
  others: "{n} others", hideOthers: "hide {n} others", othersMany: "Others",
  unattributed: "Not yet attributed", independent: "Independent", ofValid: "shares are of valid votes",
  map: "Map", mapBy: "hue: leader · strength: margin · hatch: less than a tenth of boxes opened",
  strait: "Bosphorus", south: "Marmara", north: "Black Sea", leadsIn: "{n}",
  districts: "Districts", provinces: "Provinces", district: "District", province: "Province", leader: "Leads",
  marginVotes: "Margin (votes)", marginPoints: "Margin (points)", boxes: "Boxes opened / all", boxShare: "Opened",
  flaggedShort: "Flagged",
  chooseDistrict: "Point at a district; click to choose it.",
  sideBySide: "Sources side by side", gap: "Gap", noData: "no box", ahead: "{source} {n} boxes ahead",
  same: "same", closest: "Closest race: {place}", lastAt: "Last box",
  whyTitle: "Why they differ", pointsHead: "Points", whyGap: "Gap: {a} − {b}", whyMargin: "in the margin of {first} over {second}",
  coverage: "Coverage", whyCoverage: "only {a}: {n} boxes · only {b}: {m} boxes",
  disagreement: "Disagreement", whyDisagreement: "of the {n} boxes that both have, {m} differ",
  whyLike: "In the {n} boxes that both have, {name}: {a} {x} · {b} {y}", whyNothingShared: "No box is common to both.",
  whyBoxesTitle: "The boxes that are furthest apart ({n}), and their part of the gap", notOpened: "not opened",
  whyDistricts: "{source} reports totals of districts, not boxes: the gap cannot be split.", whySoon: "Waiting for the comparison.",
  whyHeld: "What is on hold is not compared.",
  live: "live", quiet: "quiet", stale: "late", down: "down", waiting: "awaited", unknown: "unknown", unknownText: "How {source} is, is not known.",
  liveText: "{source} is sending.", quietText: "{source} has sent no new box for a while.",
  staleText: "{source} is late: the figures may be out of date.",
  downText: "{source} is down: these are the last figures received.", waitingText: "{source} is awaited.",
  connecting: "Connecting…", lost: "Connection lost. These are the last figures, of {time}; reconnecting.",
  lostEmpty: "The server cannot be reached; trying again.",
  refused: "The server turned this page away ({code}). Reload it.", awaitRun:
    "The night has not begun. This page will fill itself when it does.",
  embargo: "Embargo: results will be published at {time} {zone}.", hold: "On hold: {what}", fault: "The server could not act on a request: {message}",
  test: "TEST", testText: "TEST – NOT A RESULT", replay: "REPLAY", replayText: "REPLAY – NOT LIVE",
  title: "{leader} {share} · {opened} opened · {place} · {source}", titleEmpty: "{place} · {source}",
  back: "All of {place}", clock: "Clock",
};

const LANGUAGES = { tr: TR, en: EN };

/** The words of one language: `t("votes", {n: "12"})`. An unknown key is a fault and throws. */
export function words(language) {
  const table = LANGUAGES[language] ?? TR;
  return (key, values = {}) => {
    if (!(key in table)) throw new Error(`There is no text ${key}.`);
    return table[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  };
}

/** The tables themselves, so that a test can compare their keys. */
export const TEXTS = LANGUAGES;
