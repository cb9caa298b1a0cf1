"""The programs that can read /proc in a container, in the order in which they are tried.

Each prints the same lines: `T ` and /proc/PID/stat of each process, `S ` and the lines SigBlk,
SigIgn and SigCgt of /proc/1/status, `L ` and the node's /proc/loadavg (its fourth field has how
many tasks there are, of all namespaces) and limits; cat prints them as they are, without a letter.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Probe:
    """A command, under the name of the program that it needs."""

    name: str
    command: tuple[str, ...]


# With IFS empty `read` splits nothing; a process that ends meanwhile is left out. A name may hold
# line breaks: what follows the first is put behind it.
_SHELL = """
for folder in /proc/[0-9]*; do
  { IFS= read -r line && while IFS= read -r more; do line="$line
$more"; done; } < "$folder/stat" || continue
  printf 'T %s\\n' "$line"
done 2>/dev/null
while IFS= read -r line; do
  case $line in SigBlk:*|SigIgn:*|SigCgt:*) echo "S $line";; esac
done < /proc/1/status
for file in /proc/loadavg /proc/sys/kernel/pid_max /proc/sys/kernel/threads-max; do
  IFS= read -r line < "$file" && printf 'L %s\\n' "$line"
done 2>/dev/null
exit 0
"""

_PYTHON = """
import glob
node = ['/proc/loadavg', '/proc/sys/kernel/pid_max', '/proc/sys/kernel/threads-max']
for name in glob.glob('/proc/[0-9]*/stat') + node:
    try:
        print(('L ' if name in node else 'T ') + open(name, errors='replace').read().strip())
    except (OSError, IOError):
        pass
for line in open('/proc/1/status', errors='replace'):
    if line.startswith(('SigBlk:', 'SigIgn:', 'SigCgt:')):
        print('S ' + line.strip())
"""

_PERL = """
sub tell_of { open(my $file, '<', $_[1]) or return; local $/; print $_[0], <$file>, "\\n" }
tell_of('T ', $_) for glob('/proc/[0-9]*/stat');
tell_of('L ', $_) for map { "/proc/$_" } qw(loadavg sys/kernel/pid_max sys/kernel/threads-max);
open(my $file, '<', '/proc/1/status');
while (<$file>) { print "S $_" if /^Sig(Blk|Ign|Cgt):/ }
"""

_NODE = """
const fs = require('fs');
const tell = (letter, name) => {
  try { console.log(letter + fs.readFileSync('/proc/' + name, 'latin1').trim()) } catch {}
};
for (const name of fs.readdirSync('/proc')) if (/^[0-9]+$/.test(name)) tell('T ', name + '/stat');
for (const name of ['loadavg', 'sys/kernel/pid_max', 'sys/kernel/threads-max']) tell('L ', name);
for (const line of fs.readFileSync('/proc/1/status', 'latin1').split('\\n'))
  if (/^Sig(Blk|Ign|Cgt):/.test(line)) console.log('S ' + line);
"""

_RUBY = """
node = %w[/proc/loadavg /proc/sys/kernel/pid_max /proc/sys/kernel/threads-max]
(Dir.glob('/proc/[0-9]*/stat') + node).each do |name|
  begin
    puts((node.include?(name) ? 'L ' : 'T ') + File.binread(name).strip)
  rescue SystemCallError
  end
end
File.foreach('/proc/1/status') { |line| puts 'S ' + line if line =~ /^Sig(Blk|Ign|Cgt):/ }
"""

_PHP = """
$node = ['/proc/loadavg', '/proc/sys/kernel/pid_max', '/proc/sys/kernel/threads-max'];
foreach (array_merge(glob('/proc/[0-9]*/stat'), $node) as $name) {
  $text = @file_get_contents($name);
  if ($text !== false) echo in_array($name, $node) ? 'L ' : 'T ', trim($text), "\\n";
}
foreach (file('/proc/1/status') as $line)
  if (preg_match('/^Sig(Blk|Ign|Cgt):/', $line)) echo 'S ', $line;
"""

# cat can't list a folder: it is told the first thousand PIDs, and prints those that there are.
_FIRST = 1000

PROBES = (
    Probe("sh", ("sh", "-c", _SHELL)),
    Probe("busybox", ("busybox", "sh", "-c", _SHELL)),
    Probe("bash", ("bash", "-c", _SHELL)),
    Probe("python3", ("python3", "-c", _PYTHON)),
    Probe("python", ("python", "-c", _PYTHON)),
    Probe("perl", ("perl", "-e", _PERL)),
    Probe("node", ("node", "-e", _NODE)),
    Probe("ruby", ("ruby", "-e", _RUBY)),
    Probe("php", ("php", "-r", _PHP)),
    Probe(
        "cat",
        (
            "cat",
            "/proc/1/status",
            "/proc/loadavg",
            "/proc/sys/kernel/pid_max",
            "/proc/sys/kernel/threads-max",
            *(f"/proc/{pid}/stat" for pid in range(1, _FIRST + 1)),
        ),
    ),
)
