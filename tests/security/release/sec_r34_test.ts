/** Each link by which Barnacle asks for permissions. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";

/** Administrator, Mention Everyone and Manage Webhooks. */
const NEVER = [3, 17, 29];
/** The permissions of O3. */
const BASIC = 309_237_763_136n;

it("[SEC-R34] barnacle invite › asks for exactly O3's permissions, and for dangerous ones with no option", () =>
  withSimulation({ config: { tools: {} } }, async ({ cli }) => {
    const options = [[], ["--tools"], ["--external-emoji"], ["--tools", "--external-emoji"]];
    for (const given of options) {
      const { code, stdout } = await cli("invite", ...given);
      assert.equal(code, 0);
      const url = new URL(stdout.join("").trim());
      assert.equal(url.origin + url.pathname, "https://discord.com/oauth2/authorize");
      const bits = BigInt(url.searchParams.get("permissions") ?? -1);
      if (given.length === 0) assert.equal(bits, BASIC);
      assert.equal(bits & BASIC, BASIC);
      for (const bit of NEVER) assert.equal(bits >> BigInt(bit) & 1n, 0n, `${given} bit ${bit}`);
    }
  }));
