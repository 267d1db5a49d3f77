import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { allKeys } from "../../../src/config/keys/find_keys.ts";
import { load } from "../support.ts";

/** Names of the connection guide that Barnacle has as keys of its own. */
const KEYS: readonly string[] = [
  ...["token_from_env", "log_level", "async_tool_timeout", "tcp_keepalive", "tool_config"],
  ...["gateway_options", "rate_limit", "required_vars", "max_retries", "check_network"],
  ...["check_dns", "RateLimitConfig", "ReconnectConfig", "AgentRouter"],
];

/** Names of functions, which Barnacle has as commands or always does. */
const OTHERS: readonly (readonly [name: string, hint: RegExp])[] = [
  ["validate_env", /^remove it: .*preflight.*`barnacle doctor`/],
  ["generate_invite_url", /^remove it: `barnacle invite`/],
  ["graceful_shutdown", /^remove it: .*always/],
  ["heartbeat_priority", /^remove it: .*always/],
];

async function hintFor(name: string): Promise<string> {
  const { problems } = await load(JSON.stringify({ [name]: 1 }));
  return problems.find(({ path }) => path === name)?.hint ?? "";
}

describe("[C13] a name of the connection guide in the config", () => {
  for (const name of KEYS) {
    it(`gets a hint with a key that exists: ${name}`, async () => {
      const hint = await hintFor(name);
      const [, key = "", section = ""] = /^write "(\w+)".* (?:in ([\w.]+)|at the top)/.exec(hint) ??
        [];
      const path = section === "" ? key : `${section}.${key}`;
      assert.ok(allKeys().some((one) => one.path === path), `${name}: ${hint}`);
    });
  }
  for (const [name, pattern] of OTHERS) {
    it(`gets a hint with the way of Barnacle: ${name}`, async () => {
      assert.match(await hintFor(name), pattern);
    });
  }
});
