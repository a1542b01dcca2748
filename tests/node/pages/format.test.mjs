import assert from "node:assert/strict";
import { test } from "node:test";

import { formats } from "../../../gateway/pages/format.js";

const turkish = formats("tr", "Europe/Istanbul");

test("numbers are written as Turks write them", () => {
  assert.deepEqual(
    [
      turkish.count(11360000),
      turkish.percent(5114, 10000),
      turkish.percent(1, 1),
      turkish.points(-0.756),
      turkish.percent(1, 0),
      turkish.count(NaN),
      turkish.upper("büyükçekmece ilçesi ışık"),
      turkish.clock("2024-03-31T21:55:12Z"),
      turkish.zone(),
      turkish.date("2024-03-31T12:00:00Z"),
    ],
    [
      "11.360.000",
      "%51,14",
      "%100,00",
      "−0,76",
      "–",
      "–",
      "BÜYÜKÇEKMECE İLÇESİ IŞIK",
      "00:55:12",
      "TSİ",
      "31 Mart 2024",
    ],
  );
});

test("a share of boxes is whole only when all are opened", () => {
  assert.deepEqual(
    [
      turkish.progress(33272, 33273, false),
      turkish.progress(33273, 33273, true),
      turkish.progress(1, 33273, false),
      turkish.progress(0, 33273, false),
      turkish.progress(0, 0, false),
    ],
    ["%99,99", "%100,00", "%0,01", "%0,00", "–"],
  );
});

test("ages read as one says them", () => {
  assert.deepEqual(
    [0, 12.9, 65, 3600, 3900, 200000, NaN].map((age) => turkish.age(age)),
    ["0 sn önce", "12 sn önce", "1 dk önce", "1 sa önce", "1 sa 5 dk önce", "2 gün önce", "–"],
  );
});

test("names are ordered as in Turkish", () => {
  const names = ["Şile", "Çatalca", "Iğdır", "İzmir", "Cihangir", "Silivri", "Zeytinburnu", "Ümraniye", "Uşak"];
  assert.deepEqual(
    names.sort((left, right) => turkish.compare(left, right)),
    ["Cihangir", "Çatalca", "Iğdır", "İzmir", "Silivri", "Şile", "Uşak", "Ümraniye", "Zeytinburnu"],
  );
});
