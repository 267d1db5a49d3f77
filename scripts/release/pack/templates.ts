/**
 * Fills the templates of installers and of manifests for package managers, and copies the files of
 * Docker Compose. Each `@NAME@` gets a value, and each `@SHA256(file)@` the hash of a file of the release.
 */

export interface ReleaseValues {
  /** `"1.0.0"`. */
  readonly version: string;
  /** Day of the release: `"2026-11-23"`. */
  readonly date: string;
  /** Address of the releases, without a slash at its end. */
  readonly releases: string;
  /** The public key of minisign, in its one line. */
  readonly publicKey: string;
  /** Kilobytes that an installation takes for a moment. */
  readonly roomKb: number;
  /** SHA-256 of the release's files, by name. */
  readonly sums: ReadonlyMap<string, string>;
}

/** Templates below `packaging/`, and the file of the release that is made of each. */
export const TEMPLATES: Readonly<Record<string, string>> = {
  "install/install.sh": "install.sh",
  "install/install.ps1": "install.ps1",
  "homebrew/barnacle.rb": "barnacle.rb",
  "aur/PKGBUILD": "PKGBUILD",
  "nix/flake.nix": "flake.nix",
  "compose/docker-compose.yml": "docker-compose.yml",
  "compose/config.jsonc": "config.jsonc",
  "winget/version.yaml": "Barnacle.Barnacle.yaml",
  "winget/installer.yaml": "Barnacle.Barnacle.installer.yaml",
  "winget/locale.en-US.yaml": "Barnacle.Barnacle.locale.en-US.yaml",
};

const PLACE = /@([A-Z0-9_]+)(?:\(([\w.-]+)\))?@/g;

/**
 * Fills a template.
 *
 * @throws {RangeError} If it names an unknown value, or a file that the release lacks.
 */
export function fillTemplate(template: string, values: ReleaseValues): string {
  const { version, releases, sums } = values;
  const known: Readonly<Record<string, string>> = {
    VERSION: version,
    ARCH_VERSION: version.replaceAll("-", "_"), // Arch Linux allows no hyphen in it
    DATE: values.date,
    RELEASES: releases,
    DOWNLOADS: `${releases}/download/v${version}`,
    HOMEPAGE: releases.replace(/\/releases$/, ""),
    PUBLIC_KEY: values.publicKey,
    ROOM_KB: String(values.roomKb),
  };
  return template.replace(PLACE, (place, name: string, file: string | undefined) => {
    const value = name === "SHA256" ? sums.get(file ?? "") : known[name];
    if (value === undefined) throw new RangeError(`the release has no value for ${place}`);
    return value;
  });
}
