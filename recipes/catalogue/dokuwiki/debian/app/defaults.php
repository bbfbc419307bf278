<?php
// SPDX-License-Identifier: AGPL-3.0-or-later
// Defaults of this image; the wiki's own settings come after them.
$conf['savedir'] = '/storage/data';
$conf['userewrite'] = 1;
$conf['im_convert'] = '/usr/bin/convert';
