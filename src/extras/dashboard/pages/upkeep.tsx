/** The part of the page Settings with the newest backup and the version. */

/** @jsxImportSource hono/jsx */

import { existsSync } from "node:fs";
import { backupText } from "../../diagnose/exports.ts";
import { Card, Command, Facts } from "../base/elements.tsx";
import { type AnyPage, page } from "../base/page.ts";

/** Shows the newest backup and the version, with the commands for both. */
export const upkeepPart: AnyPage = page<{
  readonly backup: string;
  readonly isNightly: boolean;
  readonly version: string;
}>({
  async load({ store, setup, now, build }) {
    const backups = await store.settings.backups();
    return {
      backup: backupText(backups, now(), existsSync(backups.made?.path ?? "")),
      isNightly: setup().config.backup.enabled,
      version: build.version,
    };
  },
  view: ({ backup, isNightly, version }) => (
    <Card id="upkeep" title="Backups and version">
      <Facts
        rows={[
          ["Newest backup", backup],
          ["Each night", isNightly ? "yes" : "no"],
          ["Version", version],
        ]}
      />
      <p class="hint">
        <Command>barnacle backup</Command> <Command>barnacle upgrade</Command>
      </p>
    </Card>
  ),
});
