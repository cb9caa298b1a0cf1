#!/bin/sh
# runc for CRI-O, which has no option for what a machine may lack. Without CAP_SYS_RESOURCE runc
# can't lower a score, without a mounted controller of huge pages it can't limit them, and ends.
# containerd has options for both (restrict_oom_score_adj, tolerate_missing_hugetlb_controller).
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
before=
for word; do
  [ "$before" = --bundle ] && sed -z -i -e 's/"oomScoreAdj": *-[0-9]*/"oomScoreAdj": 0/' \
    -e 's/"hugepageLimits": *\[[^]]*\]/"hugepageLimits": []/' "$word/config.json"
  before=$word
done
exec runc "$@"
