import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ApplicationId } from "../../../../src/core/discord/ids.ts";
import {
  listCommands,
  replaceCommands,
} from "../../../../src/discord/rest/requests/application_commands.ts";
import { checkedApi } from "../checked_api.ts";
import { sameData } from "../../../support/same_data.ts";

const APPLICATION = "99" as ApplicationId;
const STATUS = {
  type: 1,
  name: "status",
  description: "Show version",
  options: [{ type: 4, name: "days", description: "How many" }],
};

describe("[K1] listCommands() and replaceCommands()", () => {
  it("keeps subcommands and choices, and no description of a menu", async () => {
    const config = {
      ...STATUS,
      default_member_permissions: "32",
      options: [{
        type: 1,
        name: "get",
        description: "Read",
        options: [
          { type: 3, name: "path", description: "Path", required: true, autocomplete: true },
          { type: 3, name: "as", description: "As", choices: [{ name: "x", value: "y" }] },
        ],
      }],
    } as const;
    const menu = { type: 3, name: "Ask Barnacle", description: "", options: [] };
    const { api, sent } = checkedApi([config, { ...menu, options: undefined }], []);
    const { commands } = await listCommands(api, APPLICATION);
    sameData(commands, [config, menu]);
    await replaceCommands(api, APPLICATION, undefined, { commands, entryPoint: [] });
    assert.deepEqual(sent.at(-1)?.body, [{ ...config, default_member_permissions: 32 }, {
      type: 3,
      name: "Ask Barnacle",
    }]);
  });

  it("keeps the command that launches the application's Activity apart, and sends it again", async () => {
    const launch = { type: 4, name: "launch", description: "", handler: 2 };
    const { api, sent } = checkedApi([launch], []);
    const { commands, entryPoint } = await listCommands(api, APPLICATION);
    assert.deepEqual([commands, entryPoint], [[], [launch]]);
    await replaceCommands(api, APPLICATION, undefined, { commands: [STATUS], entryPoint });
    assert.deepEqual(sent.at(-1)?.body, [STATUS, launch]);
  });
});
