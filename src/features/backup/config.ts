/** Keys of `backup`: nightly backups (O11). */

import { z } from "zod";
import { key, lazyKey, lazySection, text, whole } from "../../config/schema/parts/key.ts";

export const backup = lazySection(
  "backup",
  () =>
    z.strictObject({
      enabled: key(
        z.boolean().default(true),
        "Whether to make a backup each night, in `backup.folder`. A night that was missed is made up at " +
          "the next start.",
      ),
      folder: lazyKey(
        text,
        "Folder for backups, on another disk. It must exist, so that a backup fails if the disk is away. " +
          "Bots may share it: their user ids are in the names. A relative path starts at the data directory.",
        { unset: "`backups` in the data directory", example: "/mnt/disk/barnacle" },
      ),
      hour: key(
        whole(0, 23).default(3),
        "Hour of the day, in the time zone of the machine, at which the backup begins.",
        { unit: "hour", example: 5 },
      ),
      keep: key(
        whole(1, 1_000).default(7),
        "Number of nightly backups to keep: the newest ones. Backups by hand are never deleted.",
        { unit: "backups", example: 14 },
      ),
    }).prefault({}),
  "Nightly backups.",
  { task: "operating", example: { hour: 5 } },
);
