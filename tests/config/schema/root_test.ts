import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { z } from "zod";
import { jsonSchema } from "../../../src/features/config/check.ts";
import type { Config } from "../../../src/config/config.ts";
import { allKeys } from "../../../src/config/keys/find_keys.ts";
import { effectiveValues } from "../../../src/config/schema/accounts.ts";
import { configSchema, discordSection as discord } from "../../../src/config/schema/root.ts";
import {
  childOf,
  layersOf,
  lazySection,
  type Schema,
  shapeOf,
} from "../../../src/config/schema/parts/key.ts";
import { readTree, valueAt } from "../../../src/config/text/edit.ts";
import { chunk } from "../../../src/render/markdown/chunk.ts";
import { DEFAULT_RETENTION } from "../../../src/store/store.ts";
import { configOf, load, problemLines } from "../support.ts";
import { sameData } from "../../support/same_data.ts";

const ROOT = join(import.meta.dirname!, "..", "..", "..");
const FIXTURES = join(ROOT, "tests", "fixtures", "config");

/** All lazy sections in a part of the schema. */
function sectionsIn(
  schema: Schema,
  path: string,
): { readonly path: string; readonly section: z.ZodDefault<z.ZodType> }[] {
  const own = layersOf(schema).flatMap((layer) =>
    layer instanceof z.ZodDefault && layer.def.innerType instanceof z.ZodLazy
      ? [{ path, section: layer as z.ZodDefault<z.ZodType> }]
      : []
  );
  const entry = childOf(schema, "<name>");
  const children = Object.entries({ ...shapeOf(schema), ...(entry && { "<name>": entry }) });
  return [...own, ...children.flatMap(([name, child]) => sectionsIn(child, `${path}.${name}`))];
}

/** Every variable that the example refers to. */
const env = {
  DISCORD_BOT_TOKEN: "t",
  PLURALKIT_TOKEN: "t",
  OPENAI_API_KEY: "t",
  BARNACLE_HTTP_TOKEN: "t",
  ALERTS_WEBHOOK: "https://example.org/hook",
  UPTIME_SECRET: "x".repeat(40),
  HOOK_SECRET: "x".repeat(40),
};

function read(...path: readonly string[]): string {
  return readFileSync(join(ROOT, ...path), "utf8");
}

/** The example with the keys that it has in comments. */
function uncommented(example: string): string {
  return example.replace(/^(\s*)\/\/ (\s*(?:"[^"]+": |[{}[\]]+,?$|\/\/ ).*)$/gm, "$1$2");
}

describe("[C11] the config blocks of the channel's page", () => {
  const names = readdirSync(FIXTURES).filter((name) => name.startsWith("seed_"));

  const whole = read("tests", "fixtures", "config", "seed_whole.jsonc");

  it("are six", () => assert.equal(names.length, 6));

  for (const name of names.filter((name) => name !== "seed_whole.jsonc")) {
    it(`${name} loads, with its placeholders`, async () => {
      await configOf(readFileSync(join(FIXTURES, name), "utf8"), { isElsewhere: true });
    });
  }

  it('seed_whole.jsonc has two "guilds", which is its one error', async () => {
    const found = await problemLines(whole);
    assert.deepEqual(found, [
      'error channels.discord.guilds: The key "guilds" is here twice: it is in line 8, too',
    ]);
  });

  it("seed_whole.jsonc loads with the last of them", async () => {
    const { access } = (await configOf(whole.replace(/"guilds"[^]*?"mediaMaxMb"/, '"mediaMaxMb"')))
      .discord;
    assert.deepEqual(Object.keys(access.guilds ?? {}), ["*", "123456789012345678"]);
    assert.deepEqual(access.guilds?.["123456789012345678"]?.users, [
      { kind: "user", id: "987654321098765432" },
      { kind: "name", name: "steipete" },
    ]);
  });

  it("seed_whole.jsonc loads with the first of them", async () => {
    const { access } = (await configOf(`${whole.slice(0, whole.lastIndexOf('"guilds"'))}}}}`))
      .discord;
    sameData(access.guilds?.["*"]?.channels?.["general"], { allow: true });
  });
});

describe("bounds and defaults of the schema", () => {
  const keys = discord.unwrap().shape;
  const rules = { limit: 2_000, maxLines: 17, mode: "length", maxChunks: 12 } as const;
  const bounds = [
    ["limit", keys.textChunkLimit.unwrap()],
    ["maxLines", keys.maxLinesPerMessage.unwrap()],
  ] as const;
  for (const [name, { minValue, maxValue }] of bounds) {
    it(`[R1] chunk() takes every ${name} that the config takes`, () => {
      assert.ok(minValue !== null && maxValue !== null);
      for (const value of [minValue, maxValue]) {
        assert.doesNotThrow(() => chunk("some words", { ...rules, [name]: value }));
      }
      assert.throws(() => chunk("some words", { ...rules, [name]: 0 }), RangeError);
    });
  }

  it("[B9] give an absent section the defaults of its schema, without building it", () => {
    const found = sectionsIn(configSchema, "");
    assert.ok(found.length >= 30, `${found.length} sections`);
    for (const { path, section } of found) {
      const written = section.def.innerType.parse({}, { jitless: true });
      assert.deepEqual(section.def.defaultValue, written, path);
    }
    // The test's own reading has built them; a schema of its own shows what a parse builds.
    let isBuilt = false;
    const own = z.object({
      section: lazySection(
        "shutdown",
        () => {
          isBuilt = true;
          return z.object({ graceSec: z.number().default(1) }).prefault({});
        },
        "A section.",
      ),
    });
    assert.deepEqual(own.parse({}, { jitless: true }), { section: { graceSec: 20 } });
    assert.equal(isBuilt, false);
    assert.deepEqual(own.parse({ section: {} }), { section: { graceSec: 1 } });
    assert.equal(isBuilt, true);
  });

  it("let an editor write an empty section, not its defaults", () => {
    assert.deepEqual(valueAt(jsonSchema(), ["properties", "http", "default"]), {});
  });

  it("show the defaults of each section that a file lacks", () => {
    const shown = effectiveValues({ channels: { discord: {} } });
    for (const { path, section } of sectionsIn(configSchema, "")) {
      const place = path.split(".").slice(1);
      // A parent whose absence counts, such as `http.hooks`, has no defaults.
      if (place.includes("<name>") || valueAt(shown, place.slice(0, -1)) === undefined) continue;
      sameData(valueAt(shown, place), section.def.defaultValue, path);
    }
  });

  it("[X6] keep records as long as the store's defaults", () => {
    const retention = configSchema.parse({ store: { retention: {} } }).store.retention;
    assert.equal(retention.decisionsDays, DEFAULT_RETENTION.decisionsDays);
    assert.equal(retention.contextDays, DEFAULT_RETENTION.contextDays);
    assert.equal(retention.mediaDays, DEFAULT_RETENTION.mediaDays);
    assert.equal(retention.transcriptsDays, 0);
  });
});

const EXAMPLE = read("config.example.jsonc");

describe("[C4] config.example.jsonc", () => {
  it("loads without problems, and means the same as an empty channels.discord", async () => {
    assert.deepEqual(await problemLines(EXAMPLE, { env: {} }), []);
    const { file: _, ...example } = await configOf(EXAMPLE);
    const none = await configOf('{"channels":{"discord":{}}}');
    const plain = (config: Partial<Config>) => JSON.parse(JSON.stringify(config));
    assert.deepEqual(plain(example), plain({ ...none, file: undefined }));
  });

  it("loads without errors if no key is in a comment", async () => {
    const plain = uncommented(EXAMPLE);
    assert.doesNotMatch(plain, /^\s*\/\/ *"\w+": /m);
    const loaded = await load(plain, { env });
    assert.deepEqual(loaded.problems.filter(({ severity }) => severity === "error"), []);
    assert.equal(loaded.kind, "loaded");
  });

  it("has each usual key", () => {
    for (const { name, doc: { isCommon } } of allKeys()) {
      if (isCommon) assert.ok(EXAMPLE.includes(`"${name}": `), name);
    }
  });
});

for (const name of ["one-agent", "two-agents", "many-agents", "voice"]) {
  it(`[C4] the examples › load without problems: ${name}`, async () => {
    assert.deepEqual(
      await problemLines(read("examples", `${name}.jsonc`), {
        files: { "credentials/discord_token": "token" },
      }),
      [],
    );
  });
}

describe("[C4] the JSON Schema", () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const validate = ajv.compile(jsonSchema());

  for (
    const [name, text] of [
      ["the example", EXAMPLE],
      ["the example without comments", uncommented(EXAMPLE)],
      ["one agent", read("examples", "one-agent.jsonc")],
      ["many agents", read("examples", "many-agents.jsonc")],
      ["nothing", "{}"],
    ] as const
  ) {
    it(`takes ${name}`, () => {
      const tree = readTree(text);
      assert.ok(tree.kind === "tree");
      assert.ok(validate(tree.value), JSON.stringify(validate.errors));
    });
  }

  const refused = ['{"chanels":{}}', '{"log":{"level":"loud"}}', '{"http":{"port":-1}}'];
  for (const text of refused) {
    it(`refuses ${text}`, () => assert.ok(!validate(JSON.parse(text))));
  }

  it("describes every key", () => {
    const missing: string[] = [];
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== "object" || node === null) return;
      if ("properties" in node && typeof node.properties === "object") {
        for (const [name, child] of Object.entries(node.properties ?? {})) {
          if (!child.description) missing.push(`${path}.${name}`);
          visit(child, `${path}.${name}`);
        }
      }
    };
    visit(jsonSchema(), "");
    assert.deepEqual(missing, []);
  });

  it("[C9] has defaults, and says which changes need a reconnect or a restart", () => {
    const text = JSON.stringify(jsonSchema());
    assert.match(text, /"The gateway connection\. A change makes the account reconnect\."/);
    assert.match(
      text,
      /"Health checks and metrics over HTTP\. A change takes effect at the next start\."/,
    );
    assert.match(text, /"graceSec":\{[^}]*"default":20/);
    assert.doesNotMatch(text, /takesEffect|isCommon|"task"|"unit"|"unset"|"example"/);
  });
});

for (const keys of ['"maxDelayMs":100', '"minDelayMs":500,"maxDelayMs":100']) {
  it(`[D5] channels.discord.retry › ${keys}: refuses a shortest delay above the longest, written or inherited`, async () => {
    const { problems } = await load(`{ "channels": { "discord": { "retry": {${keys}} } } }`);
    const errors = problems.filter(({ severity }) => severity === "error");
    assert.deepEqual(errors.map(({ path, message, hint }) => ({ path, message, hint })), [{
      path: "channels.discord.retry.minDelayMs",
      message: '"minDelayMs" (500) is greater than "maxDelayMs" (100)',
      hint: 'write 100 or less here, or raise "maxDelayMs"',
    }]);
  });
}
