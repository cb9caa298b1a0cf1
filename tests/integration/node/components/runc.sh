#!/bin/sh
# runc for CRI-O. Without CAP_SYS_RESOURCE, as in a sandbox, runc can't lower a score and ends;
# containerd has an option for that (restrict_oom_score_adj), CRI-O has none.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
before=
for word; do
  [ "$before" = --bundle ] && sed -i 's/"oomScoreAdj":-[0-9]*/"oomScoreAdj":0/' "$word/config.json"
  before=$word
done
exec runc "$@"
