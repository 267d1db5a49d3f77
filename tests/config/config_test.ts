import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { exampleOf, type ReferenceKey, referenceKeys } from "../../src/config/reference.ts";
import { effectiveValues } from "../../src/config/schema/accounts.ts";
import { Secret } from "../../src/config/schema/parts/secrets.ts";
import { isSecret } from "../../src/config/schema/parts/key.ts";
import { configSchema } from "../../src/config/schema/root.ts";
import { type Segment, valueAt } from "../../src/config/text/edit.ts";
import { configOf, loadedOf } from "./support.ts";
import { sameData } from "../support/same_data.ts";

/** All keys in sections, so that their path is a path of the config. */
function plainKeys(keys: readonly ReferenceKey[]): readonly ReferenceKey[] {
  return keys.flatMap((key) => key.isSection ? plainKeys(key.keys) : [key]);
}

function configWith(path: readonly string[], value: unknown): string {
  return JSON.stringify(path.reduceRight((inner: unknown, name) => ({ [name]: inner }), value));
}

/** Keys for an editor, for a platform without a section, and of other accounts. */
const UNREAD = /^(?:\$schema$|channels\.defaults\.|channels\.discord\.accounts$)/;
/** Keys whose example removes the value, or the whole section. */
const SWITCHED_OFF = new Set(["messages.ackReaction", "exec.mode"]);
const ADDRESSES = new Map([["alerts.webhook", "https://a.example/"]]);
const KEYS = plainKeys(referenceKeys(configSchema)).filter(({ path }) => !UNREAD.test(path));
const WORLD = {
  env: {
    DISCORD_BOT_TOKEN: "t",
    OPENAI_API_KEY: "k",
    HOME_ASSISTANT_TOKEN: "h".repeat(32),
    UPTIME_SECRET: "x".repeat(40),
  },
  files: { second_token: "t2" },
};

describe("[C4] the config that the program reads", () => {
  it("has each written key at its place, without code of its own", async () => {
    assert.ok(KEYS.length > 100);
    for (const key of KEYS) {
      const path = key.path.split(".");
      const secret = `${ADDRESSES.get(key.path) ?? ""}${"x".repeat(40)}`;
      const written = isSecret(key.schema) ? secret : exampleOf(key) ?? {};
      const config = await configOf(configWith(path, written), WORLD);
      const place: readonly Segment[] = path[0] === "channels"
        ? ["discord", ...path.slice(2)]
        : path;
      const value = valueAt(config, place);
      if (!SWITCHED_OFF.has(key.path)) assert.notEqual(value, undefined, key.path);
      if (isSecret(key.schema)) assert.ok(value instanceof Secret, key.path);
    }
  });

  it("shows the same values if a file writes out all of them", async () => {
    for (const key of KEYS.filter(({ schema }) => !isSecret(schema))) {
      const text = configWith(key.path.split("."), exampleOf(key) ?? {});
      const { written } = await loadedOf(text, WORLD);
      const shown = JSON.parse(JSON.stringify(effectiveValues(written)));
      sameData(JSON.parse(JSON.stringify(effectiveValues(shown))), shown);
    }
  });
});
