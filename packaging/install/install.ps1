# Installs Barnacle for one user, without administrator: powershell -ExecutionPolicy Bypass -File install.ps1
#
# It downloads one program, checks signature and checksum, runs `barnacle --version` once, and moves the
# program to its folder. It changes nothing else, and an older program stays until the last step.
# -Version 1.0.0, -Dir FOLDER, -From ADDRESS-OR-FOLDER (such as a mirror), -DryRun
[CmdletBinding()]
param(
    [string]$Version = '',
    [string]$Dir = '',
    [string]$From = '',
    [switch]$DryRun
)

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue' # the bar makes downloads of Windows PowerShell slow
$Releases = '@RELEASES@'
$OwnVersion = '@VERSION@'
$PublicKey = '@PUBLIC_KEY@' # of minisign; the same key is in SECURITY.md of the repository
$RoomKB = '@ROOM_KB@'       # for the program and its archive
$Stays = 'nothing was changed'

function Fail([string]$Message) {
    [Console]::Error.WriteLine("install.ps1: $Message.")
    exit 1
}

# Downloads a file of the release into the temporary folder.
function Get-File([string]$Name) {
    $target = Join-Path $Temp $Name
    if ($Place -notmatch '^https?://') {
        try { Copy-Item -LiteralPath (Join-Path $Place $Name) -Destination $target }
        catch { Fail "cannot copy $(Join-Path $Place $Name) ($($_.Exception.Message)); look at -From and disk; $Stays" }
        return
    }
    $url = "$Place/$Name"
    try { Invoke-WebRequest -UseBasicParsing -Uri $url -OutFile $target }
    catch {
        $why = $_.Exception.Message
        if ($_.Exception.Response) { Fail "$url does not exist or is refused ($why); look at -Version and -From; $Stays" }
        Fail "cannot download $url ($why); look at network and disk, and run this again; $Stays"
    }
}

# Whether a version comes before the release of this script.
function Test-Older([string]$Other) {
    $numbers = foreach ($text in $Other, $OwnVersion) { [version](($text -split '-')[0]) }
    return $numbers[0] -lt $numbers[1]
}

# Windows itself has no program that checks signatures of minisign.
function Test-Signature([string]$Sums) {
    $minisign = Get-Command minisign -ErrorAction SilentlyContinue
    if (-not $minisign) {
        Write-Output "Not checked: the maintainer's signature. This machine has no minisign (winget install jedisct1.minisign)."
        return
    }
    Get-File 'SHA256SUMS.minisig'
    # With "Stop", Windows PowerShell would end here at the first line of a redirected stderr.
    $comment = & { $ErrorActionPreference = 'Continue'; & $minisign.Source -VQ -P $PublicKey -m $Sums 2>$null }
    if ($LASTEXITCODE -ne 0) {
        Fail "the signature of $Place/SHA256SUMS is wrong, so do not use this download; try again, and if it stays so, tell the maintainers; $Stays"
    }
    if ($Version -and "$comment" -ne "barnacle v$Version") {
        Fail "$Place has another release ($comment) than $Version; $Stays"
    }
    if ("$comment" -notmatch '^barnacle v(\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?)$') {
        Fail "the signature of $Place/SHA256SUMS is of $comment, and of no release; $Stays"
    }
    # An old release has a good signature, too.
    $found = $Matches[1]
    if (-not $Version -and (Test-Older $found)) {
        Fail "$Place has only $found, and this script is of $OwnVersion, so that place is out of date; to install the old one all the same, add -Version $found; $Stays"
    }
    Write-Output "Signature: good ($comment; by minisign)"
}

# A running program cannot be replaced, only renamed. So the old one gets another name first.
function Install-Program([string]$New, [string]$Target) {
    $old = "$Target.old"
    try {
        if (Test-Path -LiteralPath $old) { Remove-Item -LiteralPath $old -Force }
        if (Test-Path -LiteralPath $Target) { Move-Item -LiteralPath $Target -Destination $old }
    }
    catch { Fail "cannot rename $Target ($($_.Exception.Message)); end the bot, and run this again; $Stays" }
    try { Move-Item -LiteralPath $New -Destination $Target }
    catch {
        if (Test-Path -LiteralPath $old) { Move-Item -LiteralPath $old -Destination $Target }
        Fail "cannot write $Target ($($_.Exception.Message)); $Stays"
    }
    # A bot that runs keeps this file open; the next installation removes it.
    Remove-Item -LiteralPath $old -Force -ErrorAction SilentlyContinue
}

if ($Releases.StartsWith('@')) { Fail 'this is the template; a release has the script that works' }
$Version = $Version -replace '^v', ''
if ($Version -notmatch '^[0-9A-Za-z.-]*$') { Fail "$Version is no version" }
if (-not $Dir) { $Dir = Join-Path $env:LOCALAPPDATA 'Programs\Barnacle' }
if ($From) { $Place = $From.TrimEnd('/', '\') }
elseif ($Version) { $Place = "$Releases/download/v$Version" }
else { $Place = "$Releases/latest/download" }
# A 32-bit PowerShell sees its own architecture in the first variable, and the machine's in the other.
$cpu = if ($env:PROCESSOR_ARCHITEW6432) { $env:PROCESSOR_ARCHITEW6432 } else { $env:PROCESSOR_ARCHITECTURE }
switch ($cpu) {
    'AMD64' { $platform = 'windows-x64' }
    'ARM64' { $platform = 'windows-arm64' }
    default { Fail "there is no program for the processor $cpu, only for x64 and arm64" }
}
$file = "barnacle-$platform.zip"
if ($DryRun) {
    Write-Output "Would download $Place/$file, check it, try it, and install it as $(Join-Path $Dir 'barnacle.exe')"
    exit 0
}

try { $null = New-Item -ItemType Directory -Force -Path $Dir }
catch { Fail "you may not write to $Dir; name another folder with -Dir" }
$Dir = (Resolve-Path -LiteralPath $Dir).ProviderPath
# A folder of another machine (\\server\share) has no drive that tells its room.
try { $free = (New-Object System.IO.DriveInfo ([System.IO.Path]::GetPathRoot($Dir))).AvailableFreeSpace }
catch { $free = [long]::MaxValue }
if ($free -lt [long]$RoomKB * 1024) {
    Fail "$Dir needs $([long]$RoomKB / 1024 -as [int]) MB of room; make room, or name another folder with -Dir; $Stays"
}
$Temp = Join-Path $Dir ".barnacle-install.$PID"
try { $null = New-Item -ItemType Directory -Path $Temp }
catch { Fail "you may not write to $Dir; name another folder with -Dir" }
try {
    # Windows PowerShell offers only old versions of TLS by itself.
    [Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
    Get-File 'SHA256SUMS'
    $sums = Join-Path $Temp 'SHA256SUMS'
    Test-Signature $sums
    Write-Output "Downloading $Place/$file"
    Get-File $file
    $archive = Join-Path $Temp $file
    $line = Get-Content -LiteralPath $sums | Where-Object { ($_ -split '\s+\*?', 2)[1] -eq $file }
    if (-not $line) { Fail "this release has no $file; $Stays" }
    if ((Get-FileHash -LiteralPath $archive -Algorithm SHA256).Hash -ne ($line -split '\s+')[0]) {
        Fail "the download of $file is damaged or cut: its checksum is not the one of the release; run this again; $Stays"
    }
    Write-Output 'Checksum: good'
    try { Expand-Archive -LiteralPath $archive -DestinationPath $Temp }
    catch { Fail "cannot unpack $file in $Dir ($($_.Exception.Message)); look at the disk; $Stays" }
    $new = Join-Path $Temp 'barnacle.exe'
    try { $found = & $new --version } catch { $found = $null }
    if (-not $found -or $LASTEXITCODE -ne 0) { Fail "the new program does not start here; $Stays" }
    $target = Join-Path $Dir 'barnacle.exe'
    Install-Program $new $target
    Write-Output "Installed: $target ($found)"
    if (($env:PATH -split ';') -notcontains $Dir) {
        Write-Output "To find it by its name, run this, and open a new window:"
        Write-Output "  [Environment]::SetEnvironmentVariable('Path', [Environment]::GetEnvironmentVariable('Path', 'User') + ';$Dir', 'User')"
    }
    Write-Output "Next: & '$target' setup"
    Write-Output "To uninstall: Remove-Item -Recurse '$Dir' (first ``barnacle service uninstall``, if you installed the service)"
}
finally {
    Remove-Item -LiteralPath $Temp -Recurse -Force -ErrorAction SilentlyContinue
}
