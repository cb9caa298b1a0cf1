"""The programs that can read /proc in a container, in the order in which they are tried.

Each prints the same lines: `T ` and the line /proc/PID/stat of each process, `S ` and the lines
SigBlk, SigIgn and SigCgt of /proc/1/status; cat prints them as they are, without the letter.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Probe:
    """A command, under the name of the program that it needs."""

    name: str
    command: tuple[str, ...]


# With IFS empty `read` splits nothing; a process that ends meanwhile is left out.
_SHELL = """
for folder in /proc/[0-9]*; do
  IFS= read -r line < "$folder/stat" || continue
  echo "T $line"
done 2>/dev/null
while IFS= read -r line; do
  case $line in SigBlk:*|SigIgn:*|SigCgt:*) echo "S $line";; esac
done < /proc/1/status
"""

_PYTHON = """
import glob
for name in glob.glob('/proc/[0-9]*/stat'):
    try:
        print('T ' + open(name, errors='replace').readline().strip())
    except (OSError, IOError):
        pass
for line in open('/proc/1/status', errors='replace'):
    if line.startswith(('SigBlk:', 'SigIgn:', 'SigCgt:')):
        print('S ' + line.strip())
"""

_PERL = """
for my $name (glob('/proc/[0-9]*/stat')) {
  open(my $file, '<', $name) or next;
  my $line = <$file>;
  print "T $line" if defined $line;
}
open(my $file, '<', '/proc/1/status');
while (<$file>) { print "S $_" if /^Sig(Blk|Ign|Cgt):/ }
"""

_NODE = """
const fs = require('fs');
for (const name of fs.readdirSync('/proc')) if (/^[0-9]+$/.test(name)) {
  try { console.log('T ' + fs.readFileSync(`/proc/${name}/stat`, 'latin1').trim()) } catch {}
}
for (const line of fs.readFileSync('/proc/1/status', 'latin1').split('\\n'))
  if (/^Sig(Blk|Ign|Cgt):/.test(line)) console.log('S ' + line);
"""

_RUBY = """
Dir.glob('/proc/[0-9]*/stat') do |name|
  begin
    puts 'T ' + File.binread(name).strip
  rescue SystemCallError
  end
end
File.foreach('/proc/1/status') { |line| puts 'S ' + line if line =~ /^Sig(Blk|Ign|Cgt):/ }
"""

_PHP = """
foreach (glob('/proc/[0-9]*/stat') as $name) {
  $line = @file_get_contents($name);
  if ($line !== false) echo 'T ', trim($line), "\\n";
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
            *(f"/proc/{pid}/stat" for pid in range(1, _FIRST + 1)),
        ),
    ),
)
