/**
 * Plays payloads of nine programs against the hooks of `examples/hooks.jsonc`, and reads the posts.
 */

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
const sha1Of = (body: string) => createHmac("sha1", SECRET).update(body).digest("hex");
const github: Proof = (body) => ({
  "user-agent": "GitHub-Hookshot/0a1b2c3",
  "x-github-event": "release",
  "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
  "x-github-hook-id": "292430182",
  "x-github-hook-installation-target-id": "3",
  "x-github-hook-installation-target-type": "repository",
  "x-hub-signature": `sha1=${sha1Of(body)}`,
  "x-hub-signature-256": `sha256=${hmacOf(body)}`,
});
/** Gitea and Forgejo name themselves, Gogs and GitHub. Without a secret, the signatures are empty. */
const gitea: Proof = (body) => ({
  "user-agent": "Go-http-client/1.1",
  ...Object.fromEntries(["gitea", "gogs", "github"].flatMap((who) => [
    [`x-${who}-event`, "push"],
    [`x-${who}-event-type`, "push"],
    [`x-${who}-delivery`, "f6266f16-1bf3-46a5-9ea4-602e06ead473"],
  ])),
  "x-gitea-signature": hmacOf(body),
  "x-gogs-signature": hmacOf(body),
  "x-hub-signature": `sha1=${sha1Of(body)}`,
  "x-hub-signature-256": `sha256=${hmacOf(body)}`,
});

/** Of hooks that want no token. */
const PROOFS: Readonly<Record<string, Proof>> = { github, gitea };

/** A payload, and the words that people read of it. */
interface Recipe {
  readonly hook: string;
  /** Default: that of the hook. */
  readonly file?: string;
  /** Keys of the payload's top in place of the file's. */
  readonly changes?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly type?: string;
  /** All of the post, or a part of it; `"left out"` if there is none. */
  readonly shows: RegExp | "left out";
}

/**
 * The words are ours. A comment says where the fields, types, names of events and headers were
 * compared on 2026-11-23.
 */
const RECIPES: readonly Recipe[] = [
  // Shape: louislam/uptime-kuma 6398a9581, notification-providers/webhook.js, model/heartbeat.js and
  // monitor.js (sendNotification, toJSON, sendCertNotificationByTargetDays), server.js (the test).
  { hook: "uptime-kuma", shows: /Jellyfin is 🔴 down/ },
  {
    hook: "uptime-kuma",
    changes: { heartbeat: null, monitor: null, msg: "Barnacle Testing" },
    shows: /^Barnacle Testing$/,
  },
  // Shape: grafana/alerting 0fca94bf, receivers/webhook/v1/webhook.go; 007e9cd1,
  // templates/template_data.go. The values of an alert may be null.
  { hook: "grafana", shows: /DiskAlmostFull: 🔴 firing/ },
  // Shape: prometheus/alertmanager 68fb2d575, notify/webhook/webhook.go, template/template.go.
  {
    hook: "alertmanager",
    headers: { "user-agent": "Alertmanager/0.32.0" },
    shows: /HostDown: 🔴 firing/,
  },
  // Shape: home-assistant/core eaca577d, components/rest_command/__init__.py: the payload is the
  // operator's own.
  { hook: "home-assistant", shows: /^🏠 Washing machine: It has finished; the door is locked\.$/ },
  // Shape: octokit/webhooks 36a93e95, payload-examples/api.github.com/release/published; headers:
  // github/docs, webhook-events-and-payloads. A release may have no name.
  {
    hook: "github",
    shows:
      /^krill\/reef v2\.1\.0 is out: Spring tide\n.*https:\/\/github\.com\/krill\/reef\/releases\/tag\/v2\.1\.0/,
  },
  {
    hook: "github",
    changes: { release: { tag_name: "v2.2.0", name: null, html_url: "https://github.com/a" } },
    shows: /^krill\/reef v2\.2\.0 is out: no name\n/,
  },
  {
    hook: "github",
    changes: { number: 1 },
    headers: { "x-github-event": "repository_advisory" },
    shows: "left out",
  },
  // Shape: go-gitea/gitea 50e78265, services/webhook/deliver.go; 040cb8b6, modules/structs/hook.go.
  // The message of a commit ends with a line break.
  {
    hook: "gitea",
    shows: /^ada pushed to ada\/dotfiles:\n– Use the new mirror\n<?https:\/\/git\.home\.arpa\//,
  },
  {
    hook: "gitea",
    changes: { ref_type: "branch" },
    headers: { "x-gitea-event": "create" },
    shows: "left out",
  },
  // Shape: crazy-max/diun 9050b6a2, internal/notif/webhook/client.go, internal/msg/client.go. The
  // link is empty for a registry other than the known ones.
  {
    hook: "diun",
    shows: /^Update for nas: docker\.io\/jellyfin\/jellyfin:latest \(linux\/amd64\)\n/,
  },
  {
    hook: "diun",
    changes: { status: "new", hub_link: "", image: "git.home.arpa/ada/app:1" },
    shows: /^New image for nas: git\.home\.arpa\/ada\/app:1 \(linux\/amd64\)$/,
  },
  // Shape: jellyfin/jellyfin-plugin-webhook 616010c, Helpers/DataObjectHelpers.cs,
  // Destinations/Generic/GenericClient.cs. The name of an episode says nothing of its series.
  {
    hook: "jellyfin",
    type: "application/json; charset=utf-8",
    shows: /^🎬 New on nas: The Tides \(2026\)$/,
  },
  {
    hook: "jellyfin",
    changes: { Name: "Low Water", ItemType: "Episode", SeriesName: "Harbour", EpisodeNumber: 2 },
    shows: /^🎬 New on nas: Low Water \(Harbour\)$/,
  },
  {
    hook: "script",
    file: "script.txt",
    type: "text/plain",
    shows: /the backup of nas is done: 12 GB in 4 min/,
  },
];

describe("[W1] [W4] [W6] examples/hooks.jsonc", () => {
  it("has a recipe for each of its hooks", () => {
    assert.deepEqual(
      [...new Set(RECIPES.map(({ hook }) => hook))].toSorted(),
      Object.keys(EXAMPLE.hooks).toSorted(),
    );
  });

  it("posts what people want to read of each program, and refuses a wrong secret", () =>
    withSimulation({}, async ({ simulator, start, line, rewrite, until, written }) => {
      const to = `channel:${simulator.channel("general").id}`;
      const hooks = Object.fromEntries(
        Object.entries(EXAMPLE.hooks).map((
          [name, hook],
        ) => [name, { ...hook, to, secret: SECRET, perMinute: 60 }]),
      );
      rewrite({ config: { http: { port: 0, hooks: { port: 0 } }, hooks } });
      const bot = await start();
      const { address } = JSON.parse(await line(bot, /"Listening for hooks"/)).fields;
      await line(bot, /"The bot is ready"/);
      for (const { hook, file = `${hook}.json`, changes, ...recipe } of RECIPES) {
        const { type = "application/json" } = recipe;
        const proof = PROOFS[hook] ?? bearer;
        const recorded = readFileSync(new URL(file, FIXTURES), "utf8");
        const body = changes
          ? JSON.stringify({ ...JSON.parse(recorded), ...changes }, undefined, 2)
          : recorded;
        const send = async (headers: Readonly<Record<string, string>>) => {
          const response = await fetch(address + hook, {
            method: "POST",
            headers: { "content-type": type, ...headers, ...recipe.headers },
            body,
          });
          await response.text();
          return response.status;
        };
        const wrong = { authorization: "Bearer wrong", "x-hub-signature-256": "sha256=00" };
        assert.equal(await send({ ...proof(body), ...wrong }), 401, hook);
        const { shows } = recipe;
        assert.equal(await send(proof(body)), shows === "left out" ? 200 : 202, hook);
        if (shows === "left out") continue;
        await until(
          `the post of ${hook}: ${shows.source}`,
          () => written("general").some((text) => shows.test(text)),
        );
      }
    }));
});
