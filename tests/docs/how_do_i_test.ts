/** Plays the recipes of `docs/how-do-i.md`: `config check` takes each, and rules decide as it says. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import type { Problem } from "../../src/config/text/problem.ts";
import { checkFile } from "../../src/features/config/check.ts";
import { secretPath, trySecret } from "../../src/features/setup/ports/write_files.ts";
import { createDataFixture, removeDataFixtures } from "../cli/data_fixture.ts";

afterEach(removeDataFixtures);

const pageOf = (name: string) =>
  readFileSync(join(import.meta.dirname!, "..", "..", "docs", `${name}.md`), "utf8");
const PAGE = pageOf("how-do-i");
/** The text of each recipe by its heading, without the pages' introductions and the IDs. */
const RECIPES = new Map(
  [PAGE, pageOf("how-do-i-agent"), pageOf("how-do-i-tools"), pageOf("how-do-i-run")]
    .flatMap((page) => page.split(/^## /m).slice(1))
    .map((text) => [text.slice(0, text.indexOf("\n")), text]),
);
RECIPES.delete("IDs");
function configOf(heading: string): string {
  const [, config] = /^```jsonc\n(.*?)^```$/ms.exec(RECIPES.get(heading) ?? "") ?? [];
  assert.ok(config, `config of "${heading}"`);
  return config;
}

/** What a config lacks that is only a part of one: the token, servers and the model stand elsewhere. */
const OF_A_PART = [
  "channels.discord.groupPolicy",
  "channels.discord.token",
  "agents.defaults.model",
];
const isOwn = ({ path = "" }: Problem) => !OF_A_PART.includes(path);

describe("[C4] docs/how-do-i.md", () => {
  it("has a list that names each of its recipes", () => {
    assert.ok(RECIPES.size > 0);
    const slugOf = (text: string) =>
      text.toLowerCase().replace(/[^\w -]/g, "").replaceAll(" ", "-");
    const [list = ""] = PAGE.split("## IDs");
    for (const heading of RECIPES.keys()) {
      assert.ok(list.includes(`#${slugOf(heading)})`), `the list names "${heading}"`);
    }
  });

  for (const [heading, text] of RECIPES) {
    if (!text.includes("```jsonc")) continue;
    it(`"${heading}" passes config check with the secrets that it says to set`, async () => {
      const { config } = createDataFixture(configOf(heading));
      for (const [, name = ""] of text.matchAll(/`barnacle secret set (\w+)`/g)) {
        trySecret(secretPath(config, name), `https://example.org/${"recipe-".repeat(6)}`);
      }
      const { problems } = await checkFile(config, {});
      assert.deepEqual(problems.filter(isOwn), []);
    });
  }
});
