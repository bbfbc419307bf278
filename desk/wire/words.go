// SPDX-License-Identifier: AGPL-3.0-or-later

package wire

// words are what people compare after an enrolment: things that are easy to
// say, to spell and to tell apart. Their order is part of the protocol.
var words = [256]string{
	"acorn", "almond", "anchor", "apple", "apron", "arrow", "autumn", "awning",
	"badger", "bakery", "balcony", "bamboo", "banjo", "barley", "barrel", "basil",
	"basket", "beacon", "beetle", "bell", "bench", "berry", "bicycle", "birch",
	"biscuit", "blanket", "blossom", "bonfire", "bottle", "branch", "bread", "brick",
	"bridge", "brook", "broom", "bucket", "butter", "button", "cabin", "cactus",
	"candle", "canoe", "canvas", "carpet", "carrot", "castle", "cedar", "cellar",
	"chalk", "cherry", "chestnut", "chimney", "cider", "cinnamon", "circle", "clay",
	"cliff", "clover", "coast", "cobalt", "coffee", "comet", "compass", "copper",
	"coral", "cotton", "cradle", "crane", "cricket", "crystal", "curtain", "dairy",
	"daisy", "dolphin", "donkey", "dove", "drum", "eagle", "easel", "elm",
	"ember", "engine", "fabric", "falcon", "feather", "fennel", "fern", "ferry",
	"fiddle", "field", "finch", "flame", "flint", "flour", "flute", "forest",
	"fountain", "fox", "garden", "garlic", "gate", "ginger", "glacier", "glove",
	"goose", "grain", "granite", "grape", "guitar", "hammer", "harbour", "harp",
	"harvest", "hazel", "hedge", "helmet", "heron", "hill", "honey", "horizon",
	"island", "ivory", "ivy", "jacket", "jasmine", "juniper", "kayak", "kettle",
	"kitchen", "kite", "ladder", "lagoon", "lake", "lamp", "lantern", "larch",
	"lavender", "leaf", "lemon", "lentil", "library", "lily", "linen", "lizard",
	"loaf", "lobster", "loom", "lotus", "magnet", "mango", "maple", "marble",
	"market", "marsh", "meadow", "melon", "mill", "mint", "mirror", "mitten",
	"moss", "mountain", "mussel", "mustard", "needle", "nest", "nettle", "nickel",
	"nutmeg", "oak", "oasis", "oat", "ocean", "olive", "onion", "orange",
	"orchard", "otter", "oven", "owl", "paddle", "paper", "parcel", "parrot",
	"peach", "pear", "pebble", "pencil", "pepper", "piano", "pigeon", "pillow",
	"pine", "plum", "pocket", "pond", "poppy", "potter", "prairie", "pretzel",
	"puddle", "pumpkin", "quartz", "quilt", "rabbit", "radish", "raft", "raven",
	"reef", "ribbon", "rice", "river", "robin", "rope", "rose", "rowan",
	"saddle", "saffron", "sail", "salmon", "scarf", "shell", "sickle", "silver",
	"sleigh", "spoon", "squirrel", "star", "station", "stone", "stove", "summer",
	"swan", "tailor", "teapot", "thimble", "thistle", "timber", "tomato", "tower",
	"tractor", "train", "tulip", "tunnel", "turnip", "valley", "velvet", "village",
	"violin", "wagon", "walnut", "willow", "window", "winter", "wool", "yarn",
}
