/** Plays payloads of nine programs against the hooks of `examples/hooks.jsonc`, and reads the posts. */

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parse } from "jsonc-parser";
import { withSimulation } from "../../support/bot/e2e.ts";

const FIXTURES = new URL("../../fixtures/hooks/", import.meta.url);
const EXAMPLE: { readonly hooks: Readonly<Record<string, object>> } = parse(
  readFileSync(new URL("../../../examples/hooks.jsonc", import.meta.url), "utf8"),
);
const SECRET = "recipe-canary-5Wq8Zt2Lx7Bn4Kd9Vm3Yc6";

/** How a program proves that it knows the secret. */
type Proof = (body: string) => Readonly<Record<string, string>>;

const bearer: Proof = () => ({ authorization: `Bearer ${SECRET}` });
const hmacOf = (body: string) => createHmac("sha256", SECRET).update(body).digest("hex");
const github: Proof = (body) => ({
  "user-agent": "GitHub-Hookshot/0a1b2c3",
  "x-github-event": "release",
  "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
  "x-hub-signature-256": `sha256=${hmacOf(body)}`,
});
const gitea: Proof = (body) => ({
  "x-gitea-event": "push",
  "x-gitea-delivery": "f6266f16-1bf3-46a5-9ea4-602e06ead473",
  "x-gitea-signature": hmacOf(body),
  "x-github-event": "push",
  "x-hub-signature-256": `sha256=${hmacOf(body)}`,
});

/** A payload, and the words that people read of it. */
interface Recipe {
  readonly hook: string;
  readonly file: string;
  readonly proof: Proof;
  readonly type?: string;
  /** All of the post, or a part of it. */
  readonly shows: RegExp;
}

const RECIPES: readonly Recipe[] = [
  {
    hook: "uptime-kuma",
    file: "uptime-kuma.json",
    proof: bearer,
    shows: /Jellyfin is 🔴 down/,
  },
  {
    hook: "grafana",
    file: "grafana.json",
    proof: bearer,
    shows: /DiskAlmostFull: 🔴 firing/,
  },
  {
    hook: "alertmanager",
    file: "alertmanager.json",
    proof: bearer,
    shows: /HostDown: 🔴 firing/,
  },
  {
    hook: "home-assistant",
    file: "home-assistant.json",
    proof: bearer,
    shows: /^🏠 Washing machine: It has finished; the door is locked\.$/,
  },
  {
    hook: "github",
    file: "github.json",
    proof: github,
    shows:
      /^krill\/reef v2\.1\.0 is out: Spring tide\n.*https:\/\/github\.com\/krill\/reef\/releases\/tag\/v2\.1\.0/,
  },
  {
    hook: "gitea",
    file: "gitea.json",
    proof: gitea,
    shows: /^ada pushed to ada\/dotfiles:\n– Use the new mirror\n.*https:\/\/git\.home\.arpa\//,
  },
  {
    hook: "diun",
    file: "diun.json",
    proof: bearer,
    shows: /^Update for nas: docker\.io\/jellyfin\/jellyfin:latest \(linux\/amd64\)\n/,
  },
  {
    hook: "jellyfin",
    file: "jellyfin.json",
    proof: bearer,
    shows: /^🎬 New on nas: The Tides \(2026\)$/,
  },
  {
    hook: "script",
    file: "script.txt",
    proof: bearer,
    type: "text/plain",
    shows: /the backup of nas is done: 12 GB in 4 min/,
  },
];

describe("[W1] [W4] [W6] examples/hooks.jsonc", () => {
  it("has a recipe for each of its hooks", () => {
    assert.deepEqual(
      RECIPES.map(({ hook }) => hook).toSorted(),
      Object.keys(EXAMPLE.hooks).toSorted(),
    );
  });

  it("posts what people want to read of each program, and refuses a wrong secret", () =>
    withSimulation({}, async (scene) => {
      const { simulator, start, line, rewrite, until, written } = scene;
      const to = `channel:${simulator.channel("general").id}`;
      const hooks = Object.fromEntries(
        Object.entries(EXAMPLE.hooks).map((
          [name, hook],
        ) => [name, { ...hook, to, secret: SECRET }]),
      );
      rewrite({ config: { http: { port: 0, hooks: { port: 0 } }, hooks } });
      const bot = await start();
      const { address } = JSON.parse(await line(bot, /"Listening for hooks"/)).fields;
      await line(bot, /"The bot is ready"/);
      for (const { hook, file, proof, type = "application/json", shows } of RECIPES) {
        const body = readFileSync(new URL(file, FIXTURES), "utf8");
        const send = async (headers: Readonly<Record<string, string>>) => {
          const options = { method: "POST", headers: { "content-type": type, ...headers }, body };
          const response = await fetch(address + hook, options);
          await response.text();
          return response.status;
        };
        const wrong = { authorization: "Bearer wrong", "x-hub-signature-256": "sha256=00" };
        assert.equal(await send({ ...proof(body), ...wrong }), 401, hook);
        assert.equal(await send(proof(body)), 202, hook);
        await until(
          `the post of ${hook}`,
          () => written("general").some((text) => shows.test(text)),
        );
      }
    }));
});
