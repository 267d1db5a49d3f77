/** Asks the search what a person who hosts a bot would ask it. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PAGES } from "../../docs/pages.js";
import { searchPages } from "../../src/cli/help/search.ts";

/** A question, and the page that answers it: among the first three hits. */
const QUESTIONS: readonly (readonly [question: string, page: string])[] = [
  ["voice channel", "voice"],
  ["spending limit", "models"],
  ["update", "upkeep"],
  ["allow a friend", "access"],
  ["daylight saving", "memory"],
  ["change name or avatar", "how-do-i"],
  ["who can see my conversations", "privacy"],
  ["change the model", "models"],
  ["follow a web page", "how-do-i"],
  ["a reminder", "memory"],
  ["remove everything", "upkeep"],
  ["uninstall", "upkeep"],
  ["windows", "service"],
  ["make it stop talking", "conversations"],
  ["two servers", "bots"],
  ["language", "agent"],
  ["install on a raspberry pi", "getting-started"],
  ["docker", "containers"],
  ["docker compose", "containers"],
  ["systemd service", "service"],
  ["backup", "backup"],
  ["move to another machine", "backup"],
  ["restore a backup", "backup"],
  ["bot does not answer", "silent"],
  ["bot offline", "troubleshooting"],
  ["invalid token", "connection"],
  ["disallowed intents", "troubleshooting"],
  ["message content intent", "by-hand"],
  ["invite the bot", "by-hand"],
  ["create a discord application", "getting-started"],
  ["local model ollama", "models"],
  ["anthropic api key", "configuration/models"],
  ["home assistant", "skills"],
  ["webhook from github", "hooks"],
  ["pairing code", "access"],
  ["block a person", "access"],
  ["only answer in one channel", "how-do-i"],
  ["answer without a mention", "how-do-i"],
  ["two bots", "bots"],
  ["two agents", "agents"],
  ["persona", "how-do-i"],
  ["system prompt", "agent"],
  ["memory notes", "memory"],
  ["forget a person", "commands"],
  ["read files", "agent"],
  ["run commands on the host", "exec"],
  ["approve a command", "exec"],
  ["mcp server", "mcp"],
  ["fetch an address of the web", "agent-tools"],
  ["scheduled task every morning", "memory"],
  ["time zone", "memory"],
  ["dashboard password", "dashboard"],
  ["reverse proxy nginx", "reverse-proxy"],
  ["caddy", "reverse-proxy"],
  ["log level", "configuration/operating"],
  ["metrics prometheus", "monitoring"],
  ["health check", "monitoring"],
  ["alert when it is down", "alerts"],
  ["rate limit", "limits"],
  ["message sent twice", "delivery"],
  ["slow answers", "silent"],
  ["thread for each answer", "conversations"],
  ["openclaw import", "coming-from-openclaw"],
  ["spoken answers", "voice"],
  ["voice message", "voice"],
  ["delete all data", "privacy"],
  ["which data leaves my machine", "privacy"],
  ["change settings from a phone", "dashboard"],
  ["streaming", "configuration/replies"],
];

describe("[O10] the search of the documentation", () => {
  for (const [question, page] of QUESTIONS) {
    it(`answers "${question}" by ${page}`, () => {
      const hits = searchPages(question, PAGES).map(({ path }) => path);
      assert.ok(hits.slice(0, 3).includes(`${page}.md`), hits.join(" "));
    });
  }

  it("shows the section whose heading has the word, of a page whose title has it too", () => {
    const [first] = searchPages("a reminder", PAGES);
    assert.equal(first?.heading, "Reminders and scheduled tasks");
  });

  it("lists the pages for developers last, also where only they have all words", () => {
    const hits = searchPages("embed images", PAGES);
    const isForDevelopers = hits.map(({ path }) => path.startsWith("specification"));
    assert.deepEqual(isForDevelopers, isForDevelopers.toSorted());
    assert.ok(isForDevelopers.includes(true) && isForDevelopers.includes(false));
  });
});
