import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { configSchema } from "../../src/config/schema/root.ts";
import { isInRemovedSection, isRemoved, validPartOf } from "../../src/config/valid_part.ts";

function partOf(value: Readonly<Record<string, unknown>>) {
  const issues = configSchema.safeParse(value, { jitless: true }).error?.issues ?? [];
  const { part, more } = validPartOf(value, issues);
  return {
    written: part?.written,
    removed: part?.removed.map((path) => path.join(".")),
    more: more.map(({ path }) => path.join(".")),
  };
}

describe("[C2] validPartOf()", () => {
  it("removes faulty values and unknown keys, and keeps the rest", () => {
    assert.deepEqual(
      partOf({
        log: { level: "nonsense" },
        http: { port: 1, prt: 2 },
        channels: { discord: { historyLimit: -1, token: "t" } },
      }),
      {
        written: { log: {}, http: { port: 1 }, channels: { discord: { token: "t" } } },
        removed: ["channels.discord.historyLimit", "http.prt", "log.level"],
        more: [],
      },
    );
  });

  it("removes a list with a faulty entry as a whole, so that no entry moves", () => {
    const { written, removed } = partOf({ preflight: { requiredVars: ["A B", "C"] } });
    assert.deepEqual(written, { preflight: {} });
    assert.deepEqual(removed, ["preflight.requiredVars"]);
  });

  it("removes an object with two faults, and nothing around it", () => {
    const providers = {
      p: { baseUrl: "no address" },
      q: { kind: "anthropic", apiKey: "${Q}" },
    };
    const { written, removed } = partOf({ models: { providers }, http: { port: 1 } });
    assert.deepEqual(removed, ["models.providers.p", "models.providers.p.baseUrl"]);
    assert.deepEqual(written, { models: { providers: { q: providers.q } }, http: { port: 1 } });
  });

  it("removes an object that lacks a key", () => {
    assert.deepEqual(partOf({ agents: { list: [{ name: "Barney" }] } }).written, { agents: {} });
  });

  it("returns issues that only the rest shows, and no consequence of the removal", () => {
    const accounts = { a: { dm: { policy: "open" } } };
    assert.deepEqual(
      partOf({ log: { level: 1 }, channels: { discord: { accounts } } }).more,
      ["channels.discord.accounts.a.dm.policy"],
    );
    const dm = { allowFrom: 5 };
    assert.deepEqual(
      partOf({ channels: { discord: { dm, accounts } } }).more,
      [],
      "the list may have had its *",
    );
  });

  it("changes nothing of the file itself", () => {
    const file = { log: { level: "nonsense" } };
    partOf(file);
    assert.deepEqual(file, { log: { level: "nonsense" } });
  });

  it("ends for every value, and its part is valid", () => {
    const key = fc.constantFrom(
      ...["channels", "discord", "dm", "policy", "allowFrom", "accounts", "a", "agents", "list"],
      ...["id", "http", "bind", "token", "guilds", "*", "log", "level", "nonsense"],
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 6, withCrossShrink: true },
        fc.constantFrom("open", "*", "debug", 5, true, null, "127.0.0.1"),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(key, tie("tree"), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    fc.assert(fc.property(fc.dictionary(key, tree, { noNullPrototype: true }), (value) => {
      const { written } = partOf(value);
      if (written) configSchema.parse(written, { jitless: true });
    }));
  });
});

describe("[C2] isInRemovedSection()", () => {
  const removed = [["http", "token"], ["channels", "discord", "accounts", "a", "dm", "allowFrom"]];
  const cases: readonly (readonly [path: readonly string[], isOne: boolean])[] = [
    [["http", "bind"], true],
    [["log", "level"], false],
    [["channels", "discord", "dm", "policy"], true],
    [["channels", "discord", "accounts", "b", "dm", "policy"], true],
    [["channels", "discord", "guilds", "x", "users"], false],
  ];
  for (const [path, isOne] of cases) {
    it(`${path.join(".")}: ${isOne ? "near" : "apart"}`, () => {
      assert.equal(isInRemovedSection(path, removed), isOne);
    });
  }
});

describe("[C2] isRemoved()", () => {
  const cases: readonly (readonly [removed: readonly string[], isOne: boolean])[] = [
    [["http", "token"], true],
    [["http", "token", "file"], true],
    [["http"], true],
    [["http", "port"], false],
    [["log", "token"], false],
  ];
  for (const [removed, isOne] of cases) {
    it(`http.token after the removal of ${removed.join(".")}: ${isOne}`, () => {
      assert.equal(isRemoved(["http", "token"], [removed]), isOne);
    });
  }
});
