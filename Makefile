# placeholder, replaced by the set-up landing
