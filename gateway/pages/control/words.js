/**
 * Every word of the control room, Turkish first.
 */

const TR = {
  title: "Yayın kontrol", operator: "Yayın sorumlusu", unsigned: "imzasız", unknownKey: "tanınmayan anahtar", key: "anahtar {key}", readOnly: "salt okunur: bu belirteçle emir verilemez",
  signIn: "Giriş", token: "Belirteç (sandik token)", name: "Adınız", keyFile: "İmza anahtarı (özel anahtar dosyası)", enter: "Gir",
  noKey: "Bu dosyada parolasız bir Ed25519 özel anahtarı yok.", noEd25519: "Bu tarayıcı Ed25519 ile imza atamıyor ya da sayfa güvenli bağlantıyla (HTTPS) açılmadı.",
  needsKey: "Bu gecede yalnız imzalı emirler geçer: anahtar dosyasını verin.",
  contest: "Seçim türü", unit: "Birim", source: "Kaynak", candidate: "Aday", preview: "Önizleme", program: "Yayında",
  figuresCaption: "Önizleme ile yayındaki sayılar", boxes_opened: "Açılan sandık", valid: "Geçerli oy", unattributed: "Dağıtılmamış", as_of: "Saat",
  registered: "Kayıtlı seçmen", cast: "Oy kullanan", invalid: "Geçersiz oy",
  whole: "bütün birimler", here: "yalnız bu birim", scope: "Kapsam",
  hold: "Tut", take: "Al", release: "Bırak", holds: "Tutulanlar", nothingHeld: "Hiçbir şey tutulmuyor.", pendingN: "{n} değişiklik bekliyor",
  holdWhat: "{what} tutulacak: yayındaki sayılar olduğu gibi kalacak.", takeWhat: "{what} için bekleyen {n} değişiklik bir adımda yayına alınacak; tutma sürecek.",
  releaseWhat: "{what} bırakılacak: yayın en son sayılara geçecek ve akış sürecek.",
  embargo: "Yayın yasağı", embargoOn: "Yasak sürüyor: {until}.", embargoUntil: "{time} tarihine kadar", embargoOpen: "bir yetkili kaldırana kadar", embargoOff: "Yasak yok.",
  liftEmbargo: "Yasağı kaldır", setEmbargo: "Yasak koy", liftWhat: "Yayın yasağı kaldırılacak: bütün sayıları herkes görecek.", liftSure: "Eminim: sonuçlar şimdi herkese açılsın.",
  setWhat: "Yayın yasağı konacak: bir yetkili kaldırana kadar sayıları yalnız kontrol odası görecek.",
  calls: "Kazanan ilanı", call: "İlan et", withdrawCall: "Geri al", noCalls: "İlan yok.", callWhat: "{where} için kazanan olarak {who} ilan edilecek.", withdrawWhat: "{where} için ilan geri alınacak.", callSure: "Bu bir editör kararıdır; hesapla verilmez.",
  overrides: "Elle girilen sayılar", setFigure: "Elle gir", figure: "Sayı", value: "Değer", noOverrides: "Elle girilen sayı yok.", takeBack: "Geri al", byHand: "Elle girildi",
  overrideWhat: "{where}, {source}: {figure} = {value} olarak gösterilecek ve her yerde “elle girildi” diye işaretlenecek.", takeBackWhat: "{where}, {source}: elle girilen bütün sayılar geri alınacak.", districtOnly: "Sayılar ilçe ilçe girilir: bir ilçe seçin.",
  feeds: "Kaynaklar", live: "canlı", quiet: "sakin", stale: "gecikti", down: "kesildi", unknown: "bilinmiyor", lastChange: "son değişiklik {age}", never: "henüz veri yok",
  alarms: "Uyarılar", noAlarms: "Uyarı yok.", jump: "{who} oranı {before} → {after}", backwards: "açılan sandık {before} → {after}", silence: "kaynak sustu", fall: "{who}: {before} oy → {after}, geri alınan sandık yok", allVotes: "bütün oylar", contradiction: "{what}: {found}, en çok {limit}",
  quarantine: "Karantina", noQuarantine: "Bekleyen kayıt yok.", releaseRecord: "Geçerli say", rejectRecord: "Reddet", releaseRecordWhat: "{position} kaydı geçerli sayılacak ve yeniden yayımlanacak.", rejectRecordWhat: "{position} kaydı reddedilecek; karantinada kalır.", notReleasable: "Bu kayıt düzeltilemez; yalnız reddedilebilir.", moreWaiting: "ve {n} kayıt daha",
  restartedAlarm: "sürümler yeniden başladı ({stands} geçerliyken {revision}): {n} yeni bildirim sayılmıyor", aheadAlarm: "{n} bildirimin saati ileride ({time})", impossibleAlarm: "bir sandıkta olamayacak sayılar: {n} sandık, sonuncusu {box}",
  restartedFeed: "sürümler yeniden başladı, {n} bildirim sayılmıyor", aheadFeed: "{n} bildirimin saati ileride", impossibleFeed: "{n} sandıkta olamayacak sayılar",
  setAside: "{state} · {n} bildirim karantinada", setAsideAlarm: "{n} bildirim karantinada: {reason}", uncounted: "Geçerli sayıldı, henüz sayılmadı", releaseAgain: "Yeniden yayımla", releaseAgainWhat: "{position} kaydı yeniden yayımlanacak.",
  boxN: "sandık {n}", revisionN: "sürüm {n}", figuresOf: "{boxes} sandık, {valid} geçerli oy: {votes}",
  verdict_newer: "geçerli olandan yeni", verdict_contradicts: "geçerli olanla çelişiyor", verdict_superseded: "daha yenisi geçerli", verdict_counted: "aynı sayılar zaten geçerli", verdict_unknown: "henüz incelenmedi",
  reason_malformed: "okunamıyor", reason_too_large: "çok büyük", reason_misrouted: "yanlış yere gönderilmiş", reason_unknown_contest: "seçim türü tanımsız", reason_unknown_source: "kaynak tanımsız", reason_unknown_district: "ilçe tanımsız",
  reason_unknown_box: "sandık tanımsız", reason_unknown_candidate: "aday tanımsız", reason_wrong_kind: "kaynağın bildirim türü değil", reason_conflict: "öncekiyle çelişiyor", reason_backwards: "açılan sandık geriye gidiyor",
  audit: "Emir defteri", noAudit: "Henüz emir yok.", counts: "geçerli", refused: "geçersiz: {why}", kept: "doğrulanamıyor; yine de uygulanıyor: {why}", by: "Kim", when: "Ne zaman", what: "Ne", why: "Gerekçe", verdict: "Sonuç", signedBy: "İmza",
  change: "{figure}: {before} → {after}", nothingYet: "veri yok", byHandNow: "{figure}: {value} (kaynak o sırada {then}, şimdi {now})", moved: "elle girilen {figure}: kaynak {before} → {after}", sure: "Okudum, eminim: emir verilsin.", changedMeanwhile: "Emir verilmedi: durum bu arada değişti. Yeniden okuyun.",
  asks_lift: "Bu emirle herkes daha çok şey görür.", asks_call: "Bu ilan bilinenle çelişiyor.", asks_limits: "Bu sayılar birbiriyle ya da tanımla çelişiyor.",
  confirmTitle: "Emri onayla", reason: "Gerekçe", give: "Emri ver", cancel: "Vazgeç",
  lost: "Sunucuya ulaşılamıyor: {message}", connected: "Bağlı", embargoWord: "yasak", keys: "Kısayollar: T tut · A al · B bırak", test: "TEST", replay: "TEKRAR", liveMode: "CANLI",
  held: "tutuldu", released: "bırakıldı", taken: "alındı", called: "ilan", call_withdrawn: "ilan geri alındı", embargo_set: "yasak kondu", embargo_lifted: "yasak kaldırıldı",
  figure_overridden: "elle girildi", override_withdrawn: "elle girilen geri alındı", quarantine_released: "kayıt geçerli sayıldı", quarantine_rejected: "kayıt reddedildi",
  replay_paused: "tekrar durdu", replay_resumed: "tekrar sürüyor", replay_sought: "tekrar atladı", replay_stepped: "tekrar adım attı", replay_speed_set: "tekrar hızı", unreadable: "okunamayan kayıt",
  oddHead: "Çelişkili sayılar", odd_boxes_over_total: "ilçedekinden çok sandık açılmış", odd_no_boxes_known: "ilçenin sandıkları bilinmiyor",
  odd_votes_without_boxes: "sandık açılmadan oy var", odd_registered_over_roll: "seçmen, ilçedekinden çok", odd_roll_used_up: "kalan sandıklara seçmen kalmıyor",
  odd_cast_over_roll: "oy, ilçedeki seçmenden çok", odd_cast_over_registered: "oy, açılan sandıklardaki seçmenden çok", odd_valid_over_cast: "geçerli ve geçersiz oy, kullanılandan çok",
  odd_votes_over_valid: "adayların oyları geçerli oydan çok",
};

const EN = {
  title: "Control room", operator: "Operator", unsigned: "unsigned", unknownKey: "an unknown key", key: "key {key}", readOnly: "read only: no orders with this token",
  signIn: "Sign in", token: "Token (sandik token)", name: "Your name", keyFile: "Signing key (private key file)", enter: "Enter",
  noKey: "There is no Ed25519 private key without a password in this file.", noEd25519: "This browser cannot sign with Ed25519, or the page did not come over HTTPS.",
  needsKey: "In this night only signed orders count: give your key file.",
  contest: "Contest", unit: "Unit", source: "Source", candidate: "Candidate", preview: "Preview", program: "Program",
  figuresCaption: "Figures in preview and on air", boxes_opened: "Boxes opened", valid: "Valid votes", unattributed: "Unattributed", as_of: "As of",
  registered: "Registered", cast: "Cast", invalid: "Invalid votes",
  whole: "all units", here: "this unit only", scope: "Scope",
  hold: "Hold", take: "Take", release: "Release", holds: "On hold", nothingHeld: "Nothing is on hold.", pendingN: "{n} changes pending",
  holdWhat: "{what} will be held: the figures on air stay as they are.", takeWhat: "The {n} pending changes of {what} go on air in one step; the hold goes on.",
  releaseWhat: "{what} will be released: the air gets the newest figures, and what follows.",
  embargo: "Embargo", embargoOn: "In force: {until}.", embargoUntil: "until {time}", embargoOpen: "until an operator lifts it", embargoOff: "No embargo.",
  liftEmbargo: "Lift embargo", setEmbargo: "Set embargo", liftWhat: "The embargo will be lifted: everyone sees all figures.", liftSure: "I am sure: show everyone the results now.",
  setWhat: "An embargo begins: until an operator lifts it only the control room sees figures.",
  calls: "Calls", call: "Call", withdrawCall: "Withdraw", noCalls: "No calls.", callWhat: "{who} will be called the winner in {where}.", withdrawWhat: "The call in {where} will be withdrawn.", callSure: "This is an editor's word; no program makes it.",
  overrides: "Figures set by hand", setFigure: "Set by hand", figure: "Figure", value: "Value", noOverrides: "None is set by hand.", takeBack: "Take back", byHand: "Set by hand",
  overrideWhat: "{where}, {source}: {figure} will show as {value}, marked as set by hand everywhere.", takeBackWhat: "{where}, {source}: every figure set by hand will be taken back.", districtOnly: "Figures are set district by district: choose one.",
  feeds: "Feeds", live: "live", quiet: "quiet", stale: "stale", down: "down", unknown: "unknown", lastChange: "last change {age}", never: "nothing yet",
  alarms: "Alarms", noAlarms: "No alarms.", jump: "{who}'s share {before} → {after}", backwards: "boxes opened {before} → {after}", silence: "the source fell silent", fall: "{who}: {before} votes → {after}, and no box was taken back", allVotes: "all votes", contradiction: "{what}: {found}, at most {limit}",
  quarantine: "Quarantine", noQuarantine: "Nothing waits.", releaseRecord: "Let it count", rejectRecord: "Reject", releaseRecordWhat: "The record from {position} will count, and is published again.", rejectRecordWhat: "The record from {position} is rejected and stays in quarantine.", notReleasable: "This record cannot be mended; it can only be rejected.", moreWaiting: "and {n} more",
  restartedAlarm: "revisions began again ({revision} where {stands} stands): {n} newer statements are ignored", aheadAlarm: "{n} statements are dated ahead ({time})", impossibleAlarm: "figures that no box can have: {n} boxes, the last one {box}",
  restartedFeed: "revisions began again, {n} newer statements ignored", aheadFeed: "{n} statements dated ahead", impossibleFeed: "{n} boxes with figures that no box can have",
  setAside: "{state} · {n} set aside", setAsideAlarm: "{n} statements set aside: {reason}", uncounted: "Let out, not counted yet", releaseAgain: "Publish again", releaseAgainWhat: "The record from {position} will be published again.",
  boxN: "box {n}", revisionN: "revision {n}", figuresOf: "{boxes} boxes, {valid} valid votes: {votes}",
  verdict_newer: "newer than what stands", verdict_contradicts: "contradicts what stands", verdict_superseded: "something newer stands", verdict_counted: "the same counts stand already", verdict_unknown: "not looked at yet",
  reason_malformed: "cannot be read", reason_too_large: "too large", reason_misrouted: "sent to the wrong place", reason_unknown_contest: "unknown contest", reason_unknown_source: "unknown source", reason_unknown_district: "unknown district",
  reason_unknown_box: "unknown box", reason_unknown_candidate: "unknown candidate", reason_wrong_kind: "not what the source reports", reason_conflict: "contradicts the one before", reason_backwards: "boxes go backwards",
  audit: "Audit", noAudit: "No orders yet.", counts: "counts", refused: "no effect: {why}", kept: "cannot be verified; kept: {why}", by: "Who", when: "When", what: "What", why: "Why", verdict: "Verdict", signedBy: "Signature",
  change: "{figure}: {before} → {after}", nothingYet: "nothing yet", byHandNow: "{figure}: {value} (the source then {then}, now {now})", moved: "{figure}, set by hand: the source {before} → {after}", sure: "I have read this, and mean it.", changedMeanwhile: "The order was not given: things have changed. Read again.",
  asks_lift: "This shows everyone more.", asks_call: "This call contradicts what is known.", asks_limits: "These figures contradict each other or the definition.",
  confirmTitle: "Confirm the order", reason: "Reason", give: "Give the order", cancel: "Cancel",
  lost: "The server cannot be reached: {message}", connected: "Connected", embargoWord: "embargo", keys: "Keys: H hold · T take · R release", test: "TEST", replay: "REPLAY", liveMode: "LIVE",
  held: "held", released: "released", taken: "taken", called: "called", call_withdrawn: "call withdrawn", embargo_set: "embargo set", embargo_lifted: "embargo lifted",
  figure_overridden: "set by hand", override_withdrawn: "taken back", quarantine_released: "record let out", quarantine_rejected: "record rejected",
  replay_paused: "replay paused", replay_resumed: "replay resumed", replay_sought: "replay sought", replay_stepped: "replay stepped", replay_speed_set: "replay speed", unreadable: "unreadable record",
  oddHead: "Contradictory figures", odd_boxes_over_total: "more boxes opened than the district has", odd_no_boxes_known: "the district's boxes are not known",
  odd_votes_without_boxes: "votes without an opened box", odd_registered_over_roll: "more voters than the district has", odd_roll_used_up: "no voters left for the boxes that remain",
  odd_cast_over_roll: "more votes than the district has voters", odd_cast_over_registered: "more votes than the opened boxes have voters", odd_valid_over_cast: "more valid and invalid votes than were cast",
  odd_votes_over_valid: "more votes for candidates than valid ones",
};

const LANGUAGES = { tr: TR, en: EN };

/** The words of a language: `t("key", {name})`. An unknown key is a fault and throws. */
export function words(language) {
  const table = LANGUAGES[language] ?? TR;
  return (key, values = {}) => {
    if (!(key in table)) throw new Error(`There is no text ${key}.`);
    return table[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  };
}

/** The letters that hold, take and release have in a language. */
export const SHORTCUTS = { tr: { t: "hold", a: "take", b: "release" }, en: { h: "hold", t: "take", r: "release" } };

/** The tables themselves, so that a test can compare their keys. */
export const TEXTS = LANGUAGES;
