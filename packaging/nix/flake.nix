# Made by scripts/release/pack/pack.ts for each release: nix run path:FOLDER -- version
{
  description = "AI agent for Discord in a single file";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      files = {
        x86_64-linux = { name = "linux-x64"; sha256 = "@SHA256(barnacle-linux-x64.tar.xz)@"; };
        aarch64-linux = { name = "linux-arm64"; sha256 = "@SHA256(barnacle-linux-arm64.tar.xz)@"; };
        x86_64-darwin = { name = "darwin-x64"; sha256 = "@SHA256(barnacle-darwin-x64.tar.xz)@"; };
        aarch64-darwin = { name = "darwin-arm64"; sha256 = "@SHA256(barnacle-darwin-arm64.tar.xz)@"; };
      };
    in
    {
      packages = builtins.mapAttrs
        (system: file:
          let pkgs = nixpkgs.legacyPackages.${system}; in
          {
            default = pkgs.stdenv.mkDerivation {
              pname = "barnacle";
              version = "@VERSION@";
              src = pkgs.fetchurl {
                url = "@DOWNLOADS@/barnacle-${file.name}.tar.xz";
                inherit (file) sha256;
              };
              sourceRoot = ".";
              # strip would cut the program off its runtime.
              dontStrip = true;
              nativeBuildInputs = pkgs.lib.optional pkgs.stdenv.isLinux pkgs.autoPatchelfHook;
              installPhase = ''
                install -Dm755 barnacle $out/bin/barnacle
                install -Dm644 barnacle.1 $out/share/man/man1/barnacle.1
              '';
              meta = {
                homepage = "@HOMEPAGE@";
                license = pkgs.lib.licenses.mit;
                mainProgram = "barnacle";
                sourceProvenance = [ pkgs.lib.sourceTypes.binaryNativeCode ];
              };
            };
          })
        files;
    };
}
