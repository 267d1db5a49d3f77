import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import {
  defaultOf,
  defaultText,
  exampleOf,
  jsonOnOneLine,
  type ReferenceKey,
  referenceKeys,
} from "../../src/config/reference.ts";
import { configSchema } from "../../src/config/schema/root.ts";
import { docOf, schemaAt } from "../../src/config/schema/parts/key.ts";

function all(keys: readonly ReferenceKey[]): readonly ReferenceKey[] {
  return keys.flatMap((key) => [key, ...all(key.keys)]);
}

const KEYS = all(referenceKeys(configSchema));

function keyAt(path: string): ReferenceKey {
  const key = KEYS.find((key) => key.path === path);
  assert.ok(key, path);
  return key;
}

describe("[C4] referenceKeys()", () => {
  it("inherits task and effect from the section", () => {
    const { task, takesEffect } = keyAt("channels.discord.gateway.reconnect.maxRetries");
    assert.deepEqual({ task, takesEffect }, { task: "connection", takesEffect: "reconnect" });
    assert.equal(keyAt("store.retention.mediaDays").takesEffect, "restart");
    assert.equal(keyAt("channels.discord.guilds.<guild>.users").takesEffect, "now");
  });

  it("lets a key override its section", () => {
    assert.equal(keyAt("messages.maxChunks").task, "replies");
    assert.equal(keyAt("agents.defaults.model").task, "models");
  });

  it("gives every key at the top a task, or all keys below it", () => {
    for (const key of KEYS.filter(({ isSection }) => !isSection)) {
      const names = key.path.replaceAll("[]", ".0").split(".");
      const tasks = names.map((_, index) => {
        const schema = schemaAt(configSchema, names.slice(0, index + 1));
        return schema && docOf(schema)?.task;
      });
      assert.ok(tasks.some((task) => task !== undefined), key.path);
    }
  });

  it("does not repeat the keys of an account", () => {
    assert.equal(KEYS.some(({ path }) => path.startsWith("channels.discord.accounts.")), false);
  });
});

describe("[C4] exampleOf()", () => {
  const values = KEYS.filter(({ isSection }) => !isSection);
  for (const key of values) {
    it(`gives ${key.path} a valid value other than its default`, () => {
      const example = exampleOf(key);
      assert.notEqual(example, undefined);
      assert.ok(z.safeParse(key.schema, example).success, jsonOnOneLine(example));
      assert.notDeepEqual(example, defaultOf(key.schema));
    });
  }
});

describe("[C4] units", () => {
  const UNITS: Readonly<Record<string, RegExp>> = {
    Sec: /^seconds$/,
    Min: /^minutes$/,
    Ms: /^milliseconds$/,
    Days: /^days$/,
    Mb: /^megabytes/,
    Limit: /^(messages|turns|characters)/,
  };
  for (const { path, name, doc } of KEYS) {
    const suffix = Object.keys(UNITS).find((end) => name.endsWith(end));
    if (suffix === undefined || /PerSec$|^rateLimit$/.test(name)) continue;
    it(`${path} names its unit`, () => assert.match(doc.unit ?? "", UNITS[suffix] ?? /^$/));
  }
});

describe("[C4] defaultText()", () => {
  it("shows the schema's default, else the document's words, else none or required", () => {
    assert.equal(defaultText(keyAt("http.port")), "`8787`");
    assert.equal(defaultText(keyAt("http.bind")), '`["127.0.0.1", "::1"]`');
    assert.equal(defaultText(keyAt("channels.discord.name")), "its id");
    assert.equal(defaultText(keyAt("channels.discord.presence.activity")), "none");
    assert.equal(defaultText(keyAt("agents.list[].id")), "required");
  });
});
