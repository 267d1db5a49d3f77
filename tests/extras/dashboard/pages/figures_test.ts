import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { figuresPart } from "../../../../src/extras/dashboard/pages/figures.tsx";
import type { ModelSnapshot } from "../../../../src/http/snapshot.ts";
import { BUILD, HEALTHY, NOW } from "../../../support/bot/health.ts";
import { openTestStore } from "../../../support/store/store.ts";

/** The page, with a hook that may act without a person. */
async function pageWith(model: Partial<ModelSnapshot>): Promise<string> {
  const snapshot = { ...HEALTHY, models: [{ id: "house/a", ...model }] };
  const { store } = openTestStore();
  const parts = {
    bot: { refresh: () => Promise.resolve(), snapshot: () => snapshot },
    store,
    now: () => NOW,
    build: BUILD,
    unstored: () => [],
    setup: () => ({
      config: { hooks: { disk: { unattended: { clean: { perDay: 3 } } } }, feeds: {} },
    }),
  };
  return String(await figuresPart.render(parts as never, new URLSearchParams() as never));
}

async function wordsFor(model: Partial<ModelSnapshot>): Promise<string> {
  const html = await pageWith(model);
  const [, words = ""] = /Model house\/a<\/dt><dd>(.*?)<\/dd>/s.exec(html) ?? [];
  return words;
}

describe("[O6] [L3] the page Diagnostics and models", () => {
  const openAt = NOW - 180_000;
  const rows: readonly [model: Partial<ModelSnapshot>, words: string][] = [
    [{}, "answers"],
    [{ openAt }, "has failed for 3 min"],
    [
      { openAt, cover: { by: "cloud/b", why: "quota", until: NOW + 120_000 } },
      "has failed for 3 min (quota); cloud/b answers; asked again in 2 min",
    ],
    [
      { openAt, cover: { by: "cloud/b", why: "quota", until: NOW } },
      "has failed for 3 min (quota); cloud/b answers; asked again with the next message",
    ],
    [
      { openAt, cover: { by: "cloud/b" } },
      "has failed for 3 min; cloud/b answers; asked again with the next message",
    ],
  ];
  for (const [model, words] of rows) {
    it(`says: ${words}`, async () => assert.equal(await wordsFor(model), words));
  }
});
