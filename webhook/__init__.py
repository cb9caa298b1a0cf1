"""The webhook: puts the reaper in front of the containers of every pod that asks for it."""
